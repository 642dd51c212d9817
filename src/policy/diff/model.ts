/** What a change says otherwise: groups, rules, members, prefix lists, networks and interfaces of two models. */
import { formatAddress, formatPrefix } from "../../model/cidr.ts";
import { formatMac } from "../../model/mac.ts";
import type { Group, Interface, Model, Network, Place, PrefixList } from "../../model/model.ts";
import { type Described, diffFields, type FieldChange, formatPlace } from "./fields.ts";
import { diffRules, type RuleChange } from "./rules.ts";

export interface EntryChange {
  readonly id: string;
  readonly change: "added" | "removed" | "modified";
  /** `file:line` after the change; before it for what is removed. */
  readonly place: string | null;
  /** What is otherwise; empty for what is added or removed whole. */
  readonly fields: readonly FieldChange[];
}

/** Interfaces that entered or left a group. */
export interface MemberChange {
  readonly group: string;
  readonly entered: readonly string[];
  readonly left: readonly string[];
}

export interface ModelDiff {
  readonly networks: readonly EntryChange[];
  readonly prefixLists: readonly EntryChange[];
  readonly groups: readonly EntryChange[];
  readonly rules: readonly RuleChange[];
  readonly members: readonly MemberChange[];
  readonly interfaces: readonly EntryChange[];
}

/** Compares what two models say. Order, comments and places of entries do not count. */
export function diffModels(before: Model, after: Model): ModelDiff {
  return {
    networks: diffEntries(before.networks, after.networks, describeNetwork),
    prefixLists: diffEntries(before.prefixLists, after.prefixLists, describeList),
    groups: diffEntries(before.groups, after.groups, describeGroup),
    rules: diffRules(before.groups, after.groups),
    members: diffMembers(before, after),
    interfaces: diffEntries(before.interfaces, after.interfaces, describeInterface),
  };
}

/** Whether the models say the same. */
export function isUnchanged(diff: ModelDiff): boolean {
  return Object.values(diff).every((changes: readonly unknown[]) => changes.length === 0);
}

interface Entry {
  readonly id: string;
  readonly place: Place | null;
}

function diffEntries<T extends Entry>(
  before: ReadonlyMap<string, T>,
  after: ReadonlyMap<string, T>,
  describe: (entry: T) => Described,
): readonly EntryChange[] {
  const changes: EntryChange[] = [];
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const [old, fresh] = [before.get(id), after.get(id)];
    if (old === undefined || fresh === undefined) {
      const change = old === undefined ? ("added" as const) : ("removed" as const);
      changes.push({ id, change, place: formatPlace((fresh ?? old)?.place ?? null), fields: [] });
      continue;
    }
    const fields = diffFields(describe(old), describe(fresh));
    if (fields.length > 0) changes.push({ id, change: "modified", place: formatPlace(fresh.place), fields });
  }
  return changes.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function describeNetwork({ type, forwarding, gateways }: Network): Described {
  return { type, forwarding, gateways: joinSorted(gateways.map(formatAddress)) };
}

function describeList({ name, family, maxEntries, entries }: PrefixList): Described {
  const cidrs = new Set(entries.map(({ prefix }) => formatPrefix(prefix)));
  return { name, family: String(family), maxEntries: String(maxEntries), entries: joinSorted([...cidrs]) };
}

function describeGroup(group: Group): Described {
  const { name, description, type, network, innerAccess, defaultEgress, mode, isDefault, tags } = group;
  return {
    name,
    description,
    type,
    network,
    innerAccess,
    defaultEgress,
    mode,
    default: String(isDefault),
    tags: joinSorted([...tags].map(([key, value]) => `${key}=${value}`)),
  };
}

function describeInterface(own: Interface): Described {
  const { sessions, allowedAddressPairs } = own;
  const pairs = allowedAddressPairs.map(({ prefix, mac }) =>
    mac === null ? formatPrefix(prefix) : `${formatPrefix(prefix)} ${formatMac(mac)}`,
  );
  return {
    instance: own.instance,
    host: joinSorted(own.hosts),
    device: own.device,
    mac: formatMac(own.mac),
    addresses: joinSorted(own.addresses.map(formatAddress)),
    nicType: own.nicType,
    network: own.network,
    groups: joinSorted(own.groups),
    antiSpoofing: String(own.antiSpoofing),
    allowedAddressPairs: joinSorted(pairs),
    vlans: joinSorted(own.vlans.map(String)),
    etherTypes: joinSorted(own.etherTypes.map((type) => `0x${type.toString(16).padStart(4, "0")}`)),
    sessions: sessions === null ? null : `${sessions.established}/${sessions.answered}/${sessions.opening}`,
  };
}

/** Lists are sets here: their order says nothing. */
function joinSorted(texts: readonly string[]): string | null {
  return texts.length === 0 ? null : [...texts].sort().join(", ");
}

function diffMembers(before: Model, after: Model): readonly MemberChange[] {
  const changes = new Map<string, { entered: string[]; left: string[] }>();
  const changeOf = (group: string) => {
    const known = changes.get(group) ?? { entered: [], left: [] };
    changes.set(group, known);
    return known;
  };
  for (const id of new Set([...before.interfaces.keys(), ...after.interfaces.keys()])) {
    const [old, fresh] = [before.interfaces.get(id)?.groups ?? [], after.interfaces.get(id)?.groups ?? []];
    for (const group of fresh) if (!old.includes(group)) changeOf(group).entered.push(id);
    for (const group of old) if (!fresh.includes(group)) changeOf(group).left.push(id);
  }
  return [...changes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([group, { entered, left }]) => ({ group, entered: entered.sort(), left: left.sort() }));
}
