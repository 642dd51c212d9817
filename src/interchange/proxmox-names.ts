/** Aliases and IP sets of Proxmox VE, of the cluster and of one guest, and what a rule's address means by them. */
import { addressLength, formatPrefix, parseAddress } from "../model/cidr.ts";
import type { Family, Prefix } from "../model/model.ts";
import { quote } from "../model/text.ts";
import { Unsayable } from "./finding.ts";
import { type Importer, legalWord, type Spot } from "./importer.ts";
import { compact, type PlainPrefixList } from "./plain.ts";
import { coverRange, flattenSet } from "./prefix-set.ts";
import type { FirewallLine, Section } from "./proxmox-file.ts";

/** A far or near end: prefixes, or a prefix list with the prefixes that it holds. */
export interface End {
  /** As a rule's `remote`. */
  readonly remote: string;
  readonly family: Family;
}

interface Alias extends FirewallLine {
  readonly value: string;
}

/** Names of one file. */
export class Scope {
  /** `pl-NAME`, and of a guest `pl-vm100-NAME`. */
  readonly listPrefix: string;
  readonly #aliases = new Map<string, Alias>();
  readonly sets = new Map<string, Section>();
  /** The lists that stand for sets that a rule has named. */
  readonly lists = new Map<Section, readonly End[]>();

  /** @throws Unsayable for a line that is no alias, and a name that stands twice */
  constructor(sections: readonly Section[], listPrefix: string) {
    this.listPrefix = listPrefix;
    for (const section of sections) {
      if (section.kind === "ipset") this.sets.set(section.name, section);
      if (section.kind === "aliases") for (const one of section.lines) this.#addAlias(one);
    }
  }

  #addAlias(one: FirewallLine): void {
    const [name = "", value, ...rest] = one.text.split(/\s+/);
    if (value === undefined || rest.length > 0 || !/^[A-Za-z][\w-]*$/.test(name))
      throw new Unsayable("bad-file", `${one.at}: ${quote(one.text)} is no alias`, "name 192.0.2.7");
    if (this.#aliases.has(name.toLowerCase()))
      throw new Unsayable("duplicate-key", `${one.at}: the alias ${quote(name)} stands twice`);
    this.#aliases.set(name.toLowerCase(), { ...one, value });
  }

  alias(name: string): Alias | undefined {
    return this.#aliases.get(name.toLowerCase());
  }
}

/** Names as a rule of a guest (guest first, then cluster) or of a cluster's group sees them. */
export class Names {
  readonly #importer: Importer;
  readonly #guest: Scope | null;
  readonly #cluster: Scope | null;

  constructor(importer: Importer, guest: Scope | null, cluster: Scope | null) {
    this.#importer = importer;
    this.#guest = guest;
    this.#cluster = cluster;
  }

  /** Ends of `-source` or `-dest`: addresses, ranges, aliases, `+sets`, with commas. @throws Unsayable */
  ends(text: string, spot: Spot): readonly End[] {
    const parts = text.split(",");
    if (parts.length > 1 && parts.some((part) => part.startsWith("+")))
      throw new Unsayable("bad-value", `${quote(text)} mixes an IP set and others`, "a rule for each");
    return parts.flatMap((part) =>
      part.startsWith("+") ? this.#setEnds(part, spot) : this.#prefixes(part, spot).map(toEnd),
    );
  }

  #prefixes(text: string, spot: Spot): readonly Prefix[] {
    const range = /^([0-9A-Fa-f.:]+)-([0-9A-Fa-f.:]+)$/.exec(text);
    if (range !== null) return readRange(range[1] ?? "", range[2] ?? "");
    if (/^[0-9]|:/.test(text)) return [this.#importer.prefix(text, spot)];
    const alias = this.#find(text, (scope, name) => scope.alias(name));
    if (alias === undefined)
      throw new Unsayable(
        "unknown-name",
        `there is no alias ${quote(text)}`,
        "its address, or give cluster.fw too",
      );
    return [this.#importer.prefix(alias.value, spot)];
  }

  /** `dc/name` is the cluster's, `guest/name` the guest's, a bare one whichever has it, the guest's first. */
  #find<T>(text: string, look: (scope: Scope, name: string) => T | undefined): T | undefined {
    const [, place, name = ""] = /^(?:(dc|guest)\/)?(.*)$/i.exec(text) ?? [];
    const where = place?.toLowerCase();
    const scopes = [where === "dc" ? null : this.#guest, where === "guest" ? null : this.#cluster];
    for (const scope of scopes) {
      const found = scope === null ? undefined : look(scope, name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #setEnds(text: string, spot: Spot): readonly End[] {
    const found = this.#find(text.slice(1), (scope, name) => {
      const section = scope.sets.get(name.toLowerCase());
      return section === undefined ? undefined : { section, scope };
    });
    if (found === undefined)
      throw new Unsayable(
        "unknown-name",
        `there is no IP set ${quote(text)}`,
        "cluster.fw too, or its addresses",
      );
    const { lists } = found.scope;
    const made = lists.get(found.section) ?? this.#makeLists(found.section, found.scope, spot);
    lists.set(found.section, made);
    return made;
  }

  /** One list a family; a set without entries is a list without entries. */
  #makeLists(section: Section, scope: Scope, spot: Spot): readonly End[] {
    const prefixes = flattenSet(section.lines.flatMap((one) => this.#readEntry(one, spot)));
    const families = ([4, 6] as const).filter((family) =>
      prefixes.some((prefix) => prefix.family === family),
    );
    return (families.length === 0 ? [4 as const] : families).map((family, index) => {
      const base = `${scope.listPrefix}${legalWord(section.name, 40)}`;
      const id = this.#freeId(index === 0 ? base : `${base}-v6`);
      const list = compact<PlainPrefixList>({
        name: this.#importer.text(section.comment, spot, "name"),
        family: family === 4 ? "ipv4" : "ipv6",
        entries: prefixes
          .filter((prefix) => prefix.family === family)
          .map((prefix) => ({ cidr: formatPrefix(prefix) })),
      });
      this.#importer.prefixLists.set(id, list);
      return { remote: id, family };
    });
  }

  /** Names are cut to what an id may have, and of two scopes: what is taken gets a number. */
  #freeId(base: string): string {
    const { prefixLists } = this.#importer;
    for (let number = 2, id = base; ; number += 1) {
      if (!prefixLists.has(id)) return id;
      id = `${base}-${number}`;
    }
  }

  #readEntry(one: FirewallLine, { group }: Spot) {
    const except = one.text.startsWith("!");
    const text = (except ? one.text.slice(1) : one.text).trim();
    return this.#prefixes(text, { place: one.at, group }).map((prefix) => ({ prefix, except }));
  }

  /** Prefixes of the protected side, where a list cannot stand. @throws Unsayable */
  localEnds(text: string, spot: Spot): readonly End[] {
    return this.ends(text, spot).flatMap((end) => {
      const list = this.#importer.prefixLists.get(end.remote);
      if (list === undefined || !text.startsWith("+")) return [end];
      return list.entries.map(({ cidr }) => ({ remote: cidr, family: end.family }));
    });
  }
}

function toEnd(prefix: Prefix): End {
  return { remote: formatPrefix(prefix), family: prefix.family };
}

function readRange(first: string, last: string): readonly Prefix[] {
  const [from, to] = [parseAddress(first), parseAddress(last)];
  const legal = from.ok && to.ok && from.value.family === to.value.family && from.value.bits <= to.value.bits;
  if (!legal) throw new Unsayable("bad-value", `${quote(`${first}-${last}`)} is no range of addresses`);
  const prefixes = coverRange(from.value, to.value);
  if (prefixes.length > 2 * addressLength(from.value.family))
    throw new Unsayable("bad-value", `${quote(`${first}-${last}`)} is too many prefixes`);
  return prefixes;
}
