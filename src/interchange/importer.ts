/** What every import does alike: ids, texts, prefixes and names of groups; and what happens where one cannot be said. */
import { formatPrefix, parseAddressOrPrefix } from "../model/cidr.ts";
import type { Policy, Prefix } from "../model/model.ts";
import { escapeUnprintable } from "../model/printable.ts";
import { checkId, checkText, isGroupId, isPrefixListId, quote } from "../model/text.ts";
import { type Effect, type Finding, type FindingCode, Findings, Unsayable } from "./finding.ts";
import type { PlainGroup, PlainPrefixList } from "./plain.ts";

/** Where an import goes, and what is there already. */
export interface ImportTarget {
  readonly network: string;
  readonly networkType: "vpc" | "classic";
  /** The groups that the model has in this network: a rule may name them. */
  readonly groups: ReadonlySet<string>;
  /** The model's prefix lists, of whatever network. */
  readonly prefixLists: ReadonlySet<string>;
  /** The id of the one group that the source holds; null: the source's own. */
  readonly name: string | null;
  /** The source's ids (or names) of the groups that are wanted; null: all. */
  readonly only: readonly string[] | null;
  /** Of a guest's firewall file: the interface (`net0`) that is meant; null: all of them. */
  readonly device: string | null;
}

export interface Imported {
  readonly groups: ReadonlyMap<string, PlainGroup>;
  readonly prefixLists: ReadonlyMap<string, PlainPrefixList>;
  /** Groups of which the source has the rules alone: where such a group is there already, its settings stay. */
  readonly rulesOnly: ReadonlySet<string>;
  readonly findings: readonly Finding[];
}

/** A place of the source, and the group that it belongs to. */
export interface Spot {
  readonly place: string;
  readonly group: string | null;
}

const textLength = 256;

export class Importer {
  readonly target: ImportTarget;
  readonly groups = new Map<string, PlainGroup>();
  readonly prefixLists = new Map<string, PlainPrefixList>();
  readonly rulesOnly = new Set<string>();
  readonly #findings = new Findings();
  /** Ids of the groups that this import makes, by their ids in the source. */
  readonly #ids = new Map<string, string>();
  readonly #ruleIds = new Set<string>();

  constructor(target: ImportTarget) {
    this.target = target;
  }

  get imported(): Imported {
    const { groups, prefixLists, rulesOnly } = this;
    return { groups, prefixLists, rulesOnly, findings: this.#findings.list };
  }

  note(code: FindingCode, spot: Spot, message: string, write: string | null = null): void {
    this.#add("note", code, spot, message, write);
  }

  /** A part of an accept that is not said here. */
  leaveOut(code: FindingCode, spot: Spot, message: string, write: string | null = null): void {
    this.#add("left-out", code, spot, message, write);
  }

  refuse(code: FindingCode, spot: Spot, message: string, write: string | null = null): void {
    this.#add("refused", code, spot, message, write);
  }

  #add(effect: Effect, code: FindingCode, { place, group }: Spot, message: string, write: string | null) {
    this.#findings.add({ code, effect, place, group, message, write });
  }

  /**
   * What `make` gives, or nothing and a finding where it throws Unsayable. `policy` is what a rule does: an
   * accept is left out, a drop refuses the import, and so does what is neither. What can match no packet is no
   * loss, whatever it does.
   */
  attempt<T>(spot: Spot, policy: Policy | null, make: () => readonly T[]): readonly T[] {
    try {
      return make();
    } catch (error) {
      if (!(error instanceof Unsayable)) throw error;
      if (error.code === "matches-nothing") this.note(error.code, spot, error.message, error.write);
      else if (policy === "accept") this.leaveOut(error.code, spot, error.message, error.write);
      else this.refuse(error.code, spot, error.message, error.write);
      return [];
    }
  }

  /** Was this group asked for? `names`: its id in the source, its name, its id here. */
  wants(...names: readonly string[]): boolean {
    const { only } = this.target;
    return only === null || names.some((name) => only.includes(name));
  }

  /** The groups that were asked for and are not in the source. */
  checkWanted(found: readonly (readonly string[])[]): void {
    for (const name of this.target.only ?? []) {
      if (found.some((names) => names.includes(name))) continue;
      const there = found.map(([id]) => id).slice(0, 10);
      this.refuse(
        "not-there",
        { place: "", group: null },
        `there is no group ${quote(name)}`,
        there.join(", "),
      );
    }
    if (this.target.name !== null && this.#ids.size > 1)
      this.refuse(
        "not-there",
        { place: "", group: null },
        `one id for ${this.#ids.size} groups`,
        "--only and the one that is meant",
      );
  }

  /**
   * The id of a group of the source here: its own where that is legal, else one made of it.
   * @throws Unsayable where the source has it twice: rules that name it would mean either
   */
  declareGroup(sourceId: string, place: string): string {
    if (this.#ids.has(sourceId))
      throw new Unsayable("duplicate-key", `the group ${quote(sourceId)} stands twice`);
    const id = this.target.name ?? this.#makeGroupId(sourceId);
    this.#ids.set(sourceId, id);
    if (id !== sourceId)
      this.note("renamed-id", { place, group: id }, `${quote(sourceId)} is ${quote(id)} here`);
    return id;
  }

  #makeGroupId(sourceId: string): string {
    const taken = new Set(this.#ids.values());
    const base = isGroupId(sourceId) ? sourceId : `sg-${legalWord(sourceId, 50)}`;
    for (let number = 1; ; number += 1) {
      const id = number === 1 ? base : `${base}-${number}`;
      if (!taken.has(id)) return id;
    }
  }

  /** A group as remote. `account`: the one that owns it, null for the source's own. @throws Unsayable */
  groupRemote(sourceId: string, account: string | null = null): string {
    const own = account === null ? this.#ids.get(sourceId) : undefined;
    if (own !== undefined) return own;
    const id = account === null ? this.#remoteId(sourceId) : `${account}/${sourceId}`;
    if (this.target.groups.has(id)) return id;
    const message = `neither the model nor this import has the group ${quote(id)} in network ${quote(this.target.network)}`;
    throw new Unsayable("unknown-group", message, "a prefix, or give its own file too");
  }

  /** Only where one id here comes from one id there: two groups must not become one. */
  #remoteId(sourceId: string): string {
    return isGroupId(sourceId) ? sourceId : `sg-${sourceId}`;
  }

  /** @throws Unsayable where the model has no such list */
  listRemote(id: string): string {
    if (isPrefixListId(id) && this.target.prefixLists.has(id)) return id;
    throw new Unsayable(
      "unknown-prefix-list",
      `the model has no prefix list ${quote(id)}`,
      "that list under `prefixLists` first",
    );
  }

  /** A rule's id where it is legal here, and its group has it once; else the rule has none, which is said. */
  ruleId(id: string | undefined, spot: Spot): string | undefined {
    if (id === undefined) return undefined;
    const key = `${spot.group} ${id}`;
    const why = !checkId("rule", id).ok ? "is no id here" : this.#ruleIds.has(key) ? "stands twice" : null;
    this.#ruleIds.add(key);
    if (why === null) return id;
    this.note("renamed-id", spot, `the rule's id ${quote(id)} ${why}: it was left out`);
    return undefined;
  }

  /** An address or a prefix; cleared host bits are said. @throws Unsayable */
  prefix(text: string, spot: Spot): Prefix {
    const parsed = parseAddressOrPrefix(text);
    if (!parsed.ok) throw new Unsayable("bad-value", parsed.problem.message);
    const { prefix, cleared } = parsed.value;
    if (cleared) this.note("host-bits", spot, `${quote(text)} is taken as ${formatPrefix(prefix)}`);
    return prefix;
  }

  /** A name or description as it may stand here: printable, at most 256 characters; a change is said. */
  text(text: string | undefined, spot: Spot, what: string): string | undefined {
    if (text === undefined || text === "") return undefined;
    const checked = checkText(text);
    if (checked.ok) return text;
    this.note(
      "changed-text",
      spot,
      `the ${what} ${checked.problem.message.replace(/:.*/, "")}; it was made legal`,
    );
    return cutText(escapeUnprintable(text));
  }
}

/** At most 256 UTF-16 units, no half of a pair at the end. */
function cutText(text: string): string {
  return text.slice(0, textLength).replace(/[\uD800-\uDBFF]$/u, "");
}

/** Letters, digits, `.`, `_`, `-` of a text, the others as `-`; never empty. */
export function legalWord(text: string, length: number): string {
  const word = text
    .normalize("NFKD")
    .replaceAll(/[^A-Za-z0-9._-]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, length);
  return word === "" ? "x" : word;
}
