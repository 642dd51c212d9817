/** What a translation has to say beside its result: nothing of a source is dropped in silence. */
import { escapeUnprintable } from "../model/printable.ts";

/** Every code and what it means; docs/interchange.md says the same at length. */
export const findingCodes = {
  "bad-file": "The text is not what the format's programs print.",
  "duplicate-key": "A key stands twice in one map; programs would keep one of them.",
  "missing-key": "A value that has to be there is not; what it would be is not guessed.",
  "unknown-key": "A key that this translation does not know.",
  "bad-value": "A value outside the ones that are possible.",
  "host-bits": "A prefix had bits behind its length; they were cleared.",
  "ignored-value": "A value that the source itself ignores, or that changes no verdict.",
  "port-zero": "Port 0, which a range cannot name here.",
  "no-ports": "Ports where the protocol has none here.",
  "matches-nothing": "A rule that can match no packet.",
  "unknown-group": "A group that neither the model nor the import has in this network.",
  "unknown-prefix-list": "A prefix list that the model does not have.",
  "unknown-name": "An alias, IP set, macro or group that the source does not declare.",
  "advanced-group": "Something that an advanced group cannot say.",
  "bad-priority": "A priority outside the ones that are possible.",
  "too-many-runs": "More changes between accept and drop than there are priorities.",
  ambiguous: "The source's own program prints two meanings alike; the wider one was taken.",
  "address-group": "An address group, which only the source's own cloud knows.",
  stateless: "A stateless group: replies would need rules there, and need none here.",
  "one-interface": "A rule for one interface of a guest; a group holds for all that join it.",
  reject: "A reject became a drop: the sender hears nothing.",
  "rule-off": "A rule that the source has switched off.",
  "firewall-off": "The source does not enforce what is written there.",
  "source-option": "An option of the source that no group has.",
  "other-scope": "A part of the source that is not about guests.",
  "source-default": "What the source does where no rule matches went along.",
  "renamed-id": "An id became a legal one.",
  "changed-text": "A name or description was made printable, or cut.",
  "other-network": "Groups of several networks in one source.",
  "not-there": "Something that was asked for is not in the source.",
  "too-many": "There are more findings than are shown.",
  "lost-text": "A text for people that the target format has no place for.",
  "rule-kind": "A rule that the target format cannot say.",
  "group-setting": "A setting of a group that the target format cannot say.",
} as const satisfies Readonly<Record<string, string>>;

export type FindingCode = keyof typeof findingCodes;

/**
 * What became of it. `note`: nothing is lost, or nothing that opens or closes anything. `left-out`: an accept
 * that could not be said, so less is allowed than before. `refused`: leaving it out would allow more than
 * before, so nothing is translated at all.
 */
export type Effect = "note" | "left-out" | "refused";

export interface Finding {
  readonly code: FindingCode;
  readonly effect: Effect;
  /** Where in the source: a JSON path, `line 12`, a rule of a group; empty: the whole of it. */
  readonly place: string;
  /** The group that it is about, by its id here; null: none, or all. */
  readonly group: string | null;
  /** One printable line: what was wrong and what was done. */
  readonly message: string;
  /** What to write instead, where that is known. */
  readonly write: string | null;
}

/** Thrown by what cannot be said, caught where it is known what it is part of. */
export class Unsayable extends Error {
  readonly code: FindingCode;
  readonly write: string | null;

  constructor(code: FindingCode, message: string, write: string | null = null) {
    super(message);
    this.name = "Unsayable";
    this.code = code;
    this.write = write;
  }
}

/** More findings than anybody reads; a file of nothing but faults must not fill the memory, or take minutes. */
const notesKept = 5000;
const lossesMax = 1000;

/** Thrown where so much cannot be said that nobody would go on. */
export class TooManyFindings extends Error {
  constructor() {
    super(`more than ${lossesMax} parts cannot be said: these are the first`);
    this.name = "TooManyFindings";
  }
}

/** Collects findings in the order of the source. */
export class Findings {
  readonly #list: Finding[] = [];
  readonly #counts: Record<Effect, number> = { note: 0, "left-out": 0, refused: 0 };

  /** @throws TooManyFindings beyond a bound of losses; that one is kept */
  add(finding: Finding): void {
    this.#counts[finding.effect] += 1;
    if (finding.effect !== "note" || this.#counts.note <= notesKept) this.#keep(finding);
    if (this.#counts.refused + this.#counts["left-out"] === lossesMax) throw new TooManyFindings();
  }

  #keep(finding: Finding): void {
    this.#list.push({
      ...finding,
      place: escapeUnprintable(finding.place),
      message: escapeUnprintable(finding.message),
    });
  }

  /** In the order of the source; how many notes are not among them is said at the end. */
  get list(): readonly Finding[] {
    const hidden = this.#counts.note - notesKept;
    if (hidden <= 0) return this.#list;
    const message = `${hidden} more notes are not shown`;
    const last = { code: "too-many", effect: "note", place: "", group: null, message, write: null } as const;
    return [...this.#list, last];
  }
}

/** Nothing may be used of a translation with one of these. */
export function isRefused(findings: readonly Finding[]): boolean {
  return findings.some(({ effect }) => effect === "refused");
}

/** Something is missing in the result. */
export function isPartial(findings: readonly Finding[]): boolean {
  return findings.some(({ effect }) => effect === "left-out");
}

/** One line: `place: left out: group: message: write that`; a note has no word for what became of it. */
export function formatFinding({ place, effect, group, message, write }: Finding): string {
  const said = { note: "", "left-out": "left out: ", refused: "refused: " }[effect];
  const where = place === "" ? "" : `${place}: `;
  const of = group === null ? "" : `${group}: `;
  return `${where}${said}${of}${message}${write === null ? "" : `: write ${write}`}`;
}
