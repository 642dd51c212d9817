/** A map of foreign JSON, or a record of CSV, read key by key: what nobody asked for is found at the end. */
import { quote } from "../model/text.ts";
import { Unsayable } from "./finding.ts";
import { joinPath } from "./json.ts";

/** Says nothing: as if the key were not there. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (typeof value === "string") return value.trim() === "";
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** @throws Unsayable where the value is no map */
export function fieldsOf(value: unknown, path: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Unsayable("bad-file", `${path === "" ? "the file" : `\`${path}\``} is no map`, "{...}");
  return new Fields(value as Readonly<Record<string, unknown>>, path);
}

export class Fields {
  /** Where it stands, as a JSON path or `line 3`. */
  readonly path: string;
  readonly #values: ReadonlyMap<string, unknown>;
  readonly #written: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(values: Readonly<Record<string, unknown>>, path: string) {
    this.path = path;
    this.#written = values;
    this.#values = new Map(Object.entries(values).filter(([, value]) => !isEmpty(value)));
  }

  /** The value under the first of these names that says something; null and empty texts say nothing. */
  value(...names: readonly string[]): unknown {
    for (const name of names) this.#asked.add(name);
    for (const name of names) if (this.#values.has(name)) return this.#values.get(name);
    return undefined;
  }

  /** Is the key written, even if it says nothing? An empty list of rules is one, a missing one is not. */
  declares(name: string): boolean {
    return Object.hasOwn(this.#written, name);
  }

  has(...names: readonly string[]): boolean {
    return names.some((name) => this.#values.has(name));
  }

  /** A text, or a number or truth value as its text. @throws Unsayable for lists and maps */
  text(...names: readonly string[]): string | undefined {
    const value = this.value(...names);
    if (value === undefined) return undefined;
    if (typeof value === "string") return value.trim();
    if (typeof value === "number" || typeof value === "boolean") return String(value);
    throw new Unsayable("bad-value", `\`${names[0]}\` is no text`);
  }

  /** A text for people, with its spaces. */
  words(...names: readonly string[]): string | undefined {
    const value = this.value(...names);
    return typeof value === "string" ? value : this.text(...names);
  }

  /** @throws Unsayable where it is missing */
  requireText(...names: readonly string[]): string {
    const text = this.text(...names);
    if (text === undefined) throw new Unsayable("missing-key", `\`${names[0]}\` is missing`);
    return text;
  }

  /** A whole number, written as one or as its text. */
  integer(...names: readonly string[]): number | undefined {
    const text = this.text(...names);
    if (text === undefined) return undefined;
    if (!/^-?(0|[1-9][0-9]{0,9})$/.test(text))
      throw new Unsayable("bad-value", `\`${names[0]}: ${text.slice(0, 40)}\` is no whole number`);
    return Number(text);
  }

  truth(...names: readonly string[]): boolean | undefined {
    const text = this.text(...names)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text !== "true" && text !== "false")
      throw new Unsayable("bad-value", `\`${names[0]}: ${text.slice(0, 40)}\` is neither true nor false`);
    return text === "true";
  }

  /** A list; empty where it is missing. @throws Unsayable for another kind */
  list(name: string): readonly unknown[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (!Array.isArray(value)) throw new Unsayable("bad-file", `\`${joinPath(this.path, name)}\` is no list`);
    return value;
  }

  /** The maps of a list, each with its path. */
  maps(name: string): readonly Fields[] {
    const path = joinPath(this.path, name);
    return this.list(name).map((value, index) => fieldsOf(value, joinPath(path, index)));
  }

  /** All that is written, as it is. */
  plain(): Readonly<Record<string, unknown>> {
    return this.#written;
  }

  /** Keys that change no verdict and that nobody reads. */
  skip(...names: readonly string[]): void {
    for (const name of names) this.#asked.add(name);
  }

  /** Keys that say something and that nobody asked for. */
  unknown(): readonly string[] {
    return [...this.#values.keys()].filter((key) => !this.#asked.has(key));
  }

  /** For a rule, whose unknown key may be what narrows it. @throws Unsayable */
  refuseUnknown(): void {
    const [key] = this.unknown();
    if (key === undefined) return;
    throw new Unsayable("unknown-key", `the key ${quote(key)} is not known, and may narrow the rule`);
  }
}
