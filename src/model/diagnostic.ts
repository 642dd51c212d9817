/** What is wrong (or worth saying) about a file: codes, places, and their two forms in print. */
import type { Place } from "./model.ts";
import { escapeUnprintable } from "./printable.ts";

export type Severity = "error" | "note";

/**
 * Every code, with its severity and what it means. docs/diagnostics.md says the same at length; a test
 * holds the two equal.
 */
export const diagnosticCodes = {
  "file-unreadable": { severity: "error", meaning: "A file or directory cannot be read." },
  "file-access": { severity: "error", meaning: "Others than root and the file's group may change a file." },
  "file-too-large": { severity: "error", meaning: "A file is larger than 64 MiB." },
  "file-passed-over": { severity: "note", meaning: "A file beside the rules is not read." },
  "not-utf8": { severity: "error", meaning: "A file is not UTF-8." },
  "yaml-syntax": { severity: "error", meaning: "The text is no YAML 1.2." },
  tab: { severity: "error", meaning: "A line is indented with a tab." },
  "control-character": { severity: "error", meaning: "A control character stands in the text." },
  "too-deep": { severity: "error", meaning: "Lists and maps are nested deeper than any rules file needs." },
  "too-dense": { severity: "error", meaning: "The text has more signs than any rules file." },
  "too-long": {
    severity: "error",
    meaning: "A text of one value or key is longer than any rules file needs.",
  },
  alias: { severity: "error", meaning: "An alias names no anchor, or its own." },
  "alias-expansion": { severity: "error", meaning: "Aliases would make a file larger than the bound." },
  "merge-key": { severity: "error", meaning: "A merge key (`<<`) stands in a map." },
  "yaml-feature": { severity: "error", meaning: "A tag or a directive is used." },
  "second-document": { severity: "error", meaning: "A second document follows in the same file." },
  "key-not-text": { severity: "error", meaning: "A key is a list, a map, an alias or empty." },
  "duplicate-key": { severity: "error", meaning: "A key stands twice in one map." },
  "unknown-key": { severity: "error", meaning: "A key that does not exist here." },
  "missing-key": { severity: "error", meaning: "A key that has to be there is not." },
  "wrong-type": { severity: "error", meaning: "A value of another kind is expected." },
  "wrong-value": { severity: "error", meaning: "A value outside the ones that are possible." },
  "bad-version": { severity: "error", meaning: "The file's `version` is missing or unknown." },
  "bad-id": { severity: "error", meaning: "An id that breaks the rules for ids." },
  "duplicate-id": { severity: "error", meaning: "One id is given twice." },
  "bad-text": { severity: "error", meaning: "A text is too long, or has characters that are not printable." },
  "bad-address": { severity: "error", meaning: "Not an address, or one that no interface can have." },
  "bad-prefix": { severity: "error", meaning: "Not a prefix." },
  "mapped-address": { severity: "error", meaning: "An IPv4-mapped IPv6 address or prefix." },
  "host-bits": { severity: "note", meaning: "A prefix had bits behind its length; they were cleared." },
  "bad-mac": { severity: "error", meaning: "Not a MAC, or one that no interface can have." },
  "bad-ports": { severity: "error", meaning: "Not a range of ports, or ports where there are none." },
  "bad-protocol": { severity: "error", meaning: "Not a protocol, or one written another way." },
  "bad-icmp": { severity: "error", meaning: "An ICMP type or code where there can be none." },
  "bad-family": { severity: "error", meaning: "IPv4 and IPv6 mixed in one rule or list." },
  "bad-priority": { severity: "error", meaning: "A priority outside the ones that are possible." },
  "bad-time": { severity: "error", meaning: "Not a time." },
  "bad-remote": { severity: "error", meaning: "Not an authorization object." },
  "bad-device": { severity: "error", meaning: "Not a name that a device can have." },
  "bad-vlan": { severity: "error", meaning: "Not a VLAN or an ethertype that can be listed." },
  "advanced-group": { severity: "error", meaning: "Something that an advanced group cannot say." },
  "nic-type": { severity: "error", meaning: "`nicType: internet` outside a classic network." },
  "unknown-network": { severity: "error", meaning: "A network that the model does not have." },
  "unknown-group": { severity: "error", meaning: "A group that the model does not have." },
  "unknown-prefix-list": { severity: "error", meaning: "A prefix list that the model does not have." },
  "other-network": { severity: "error", meaning: "A group of another network is named." },
  "mixed-group-types": { severity: "error", meaning: "An interface in a basic and an advanced group." },
  "default-group": { severity: "error", meaning: "A network's default group is not clear." },
  "listed-twice": { severity: "error", meaning: "A value stands twice in a list of distinct values." },
  "device-twice": { severity: "error", meaning: "Two interfaces of one host name one device." },
  "address-twice": { severity: "error", meaning: "Two interfaces of one network hold one address." },
  "mac-twice": { severity: "error", meaning: "Two interfaces of one network hold one MAC." },
  "gateway-address": { severity: "error", meaning: "An interface claims a gateway's address." },
  limit: { severity: "error", meaning: "More than a limit allows." },
  "too-many": { severity: "error", meaning: "There are more problems than are shown." },
} as const satisfies Readonly<Record<string, { severity: Severity; meaning: string }>>;

export type DiagnosticCode = keyof typeof diagnosticCodes;

/** Another place that belongs to a diagnostic: where the first of two stands. */
export interface RelatedPlace {
  readonly place: Place | null;
  readonly message: string;
}

export interface Diagnostic {
  readonly code: DiagnosticCode;
  readonly severity: Severity;
  /** null: it concerns no single place. */
  readonly place: Place | null;
  /** What is wrong and what to write instead, one line, printable. */
  readonly message: string;
  /** The right form alone, where there is exactly one. */
  readonly write: string | null;
  readonly related: readonly RelatedPlace[];
}

/** What a value parser says about a text that it refuses; the caller knows the place. */
export interface Problem {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly write: string | null;
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: Problem };

export function accepted<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

/** `write` is the right form; it is added to the message. */
export function refused(code: DiagnosticCode, message: string, write: string | null = null): Parsed<never> {
  const full = write === null ? message : `${message}: write \`${write}\``;
  return { ok: false, problem: { code, message: full, write } };
}

export interface DiagnosticDetails {
  readonly write?: string | null;
  readonly related?: readonly RelatedPlace[];
}

/** More problems than anybody reads; a file of nothing but faults must cost neither time nor memory. */
export const diagnosticsShown = 1000;

/** Thrown at one error more than are shown: whoever reads the files ends. */
export class TooManyErrors extends Error {}

/** Collects diagnostics in the order of their finding, up to `diagnosticsShown` of each severity. */
export class Diagnostics {
  readonly #list: Diagnostic[] = [];
  readonly #counts = { error: 0, note: 0 };

  /** Throws TooManyErrors. */
  add(code: DiagnosticCode, place: Place | null, message: string, details: DiagnosticDetails = {}): void {
    const { severity } = diagnosticCodes[code];
    this.#counts[severity] += 1;
    if (this.#counts[severity] > diagnosticsShown) {
      if (severity === "error") throw new TooManyErrors();
      return;
    }
    const { write = null, related = [] } = details;
    this.#list.push({ code, severity, place, message: escapeUnprintable(message), write, related });
  }

  addProblem(place: Place | null, prefix: string, problem: Problem): void {
    this.add(problem.code, place, `${prefix}${problem.message}`, { write: problem.write });
  }

  get hasErrors(): boolean {
    return this.#counts.error > 0;
  }

  get errorCount(): number {
    return this.#counts.error;
  }

  /** All of them, by file (in the order given), line and column; those without a place first. */
  sorted(files: readonly string[]): Diagnostic[] {
    const order = new Map(files.map((file, index) => [file, index]));
    const list = this.#list.toSorted((a, b) => comparePlaces(a.place, b.place, order));
    if (this.#counts.error > diagnosticsShown) {
      const message = "there are more errors: mend these first";
      list.push({ code: "too-many", severity: "error", place: null, message, write: null, related: [] });
    }
    return list;
  }
}

function comparePlaces(a: Place | null, b: Place | null, order: ReadonlyMap<string, number>): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  const last = order.size;
  return (order.get(a.file) ?? last) - (order.get(b.file) ?? last) || a.line - b.line || a.column - b.column;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === "error");
}

/** `file:line:column`, or the file alone where the place is the file. */
export function formatPlace({ file, line, column }: Place): string {
  const name = escapeUnprintable(file);
  return line === 0 ? name : `${name}:${line}:${column}`;
}

/** One line: `file:line:column: message`; a note says that it is one. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const where = diagnostic.place === null ? "" : `${formatPlace(diagnostic.place)}: `;
  const kind = diagnostic.severity === "note" ? "note: " : "";
  const related = diagnostic.related.map(
    ({ place, message }) => `; ${message}${place === null ? "" : ` at ${formatPlace(place)}`}`,
  );
  return `${where}${kind}${diagnostic.message}${related.join("")}`;
}

const excerptWidth = 100;

/**
 * For people: the line of `formatDiagnostic`, then the source line with a caret under the place.
 * `textOf` gives a file's text, or undefined where it is not at hand.
 */
export function renderDiagnostic(
  diagnostic: Diagnostic,
  textOf: (file: string) => string | undefined,
): string {
  const head = `${formatDiagnostic(diagnostic)} [${diagnostic.code}]`;
  const { place } = diagnostic;
  if (place === null || place.line === 0) return head;
  const line = textOf(place.file)?.split(/\r\n|\n/, place.line)[place.line - 1];
  if (line === undefined) return head;
  const wanted = Math.min(place.column - 1 - excerptWidth / 2, line.length - excerptWidth);
  const from = Math.max(0, wanted);
  const shown = line.slice(from, from + excerptWidth).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u00b7");
  const gutter = String(place.line);
  const caret = `${" ".repeat(place.column - 1 - from)}^`;
  return `${head}\n  ${gutter} | ${shown}\n  ${" ".repeat(gutter.length)} | ${caret}`;
}
