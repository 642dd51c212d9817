/**
 * Proof that what resolve made of a model is the model: the rules of each side, whole, in the order in which they
 * decide, with what their remotes mean, and the groups behind every address. prove.ts takes a source for granted;
 * this is why it may. The rules of an interface and the members come from the oracle's side (rules.ts), not from
 * resolve's.
 */
import type { Direction, Interface, Model, Prefix } from "../model/model.ts";
import { addressText, madeLinkLocal } from "./oracle/address.ts";
import { type GroupRule, groupsOf, rulesOf } from "./rules.ts";
import type { OrderedRule, PolicySide, PolicySource, Resolved } from "./types.ts";

/**
 * Null where `resolved` says of this host exactly what its model says.
 * @param before was proven, for the same host: what is the same object now, and is about the same objects, need not
 *   be proven again
 * @returns the first thing found otherwise, for people
 */
export function proveResolved(
  resolved: Resolved,
  host: string,
  before: Resolved | null = null,
): string | null {
  return (
    (arePlacesProven(resolved, before) ? null : provePlaces(resolved, host)) ??
    provePolicies(resolved, before) ??
    (areMembersProven(resolved, before) ? null : proveMembers(resolved))
  );
}

/** Which interfaces are this host's, and whose policy each has, hangs on interfaces alone. */
function arePlacesProven({ model, interfaces }: Resolved, before: Resolved | null): boolean {
  return before?.interfaces === interfaces && before.model.interfaces === model.interfaces;
}

function provePlaces({ model, interfaces, policies }: Resolved, host: string): string | null {
  const here = [...model.interfaces.values()].filter(
    ({ hosts }) => hosts.length === 0 || hosts.includes(host),
  );
  if (here.length !== interfaces.length || here.some((each, index) => each !== interfaces[index]?.interface))
    return "the interfaces of this host are others than the rules say";
  for (const { interface: source, policy: key } of interfaces) {
    const wrong = proveIdentity(source, policies.get(key));
    if (wrong !== null) return wrong;
  }
  return null;
}

/** One interface of each policy speaks for the others: all of them are in the same groups. */
function provePolicies(resolved: Resolved, before: Resolved | null): string | null {
  for (const [key, source] of indexHolders(resolved.interfaces)) {
    const policy = resolved.policies.get(key);
    const other = proveIdentity(source, policy);
    if (other !== null) return other;
    if (policy === undefined || isProven(resolved, before, policy)) continue;
    const wrong = proveSource(resolved.model, source, policy);
    if (wrong !== null) return `${source.id}: ${wrong}`;
  }
  return null;
}

/** The first interface of each policy, by its key. What is made of a model never changes. */
const holders = new WeakMap<Resolved["interfaces"], ReadonlyMap<bigint, Interface>>();

function indexHolders(interfaces: Resolved["interfaces"]): ReadonlyMap<bigint, Interface> {
  const known = holders.get(interfaces);
  if (known !== undefined) return known;
  const index = new Map<bigint, Interface>();
  for (const { interface: source, policy } of interfaces) if (!index.has(policy)) index.set(policy, source);
  holders.set(interfaces, index);
  return index;
}

/** A policy is about its groups, its network and prefix lists; models and what is made of them never change. */
function isProven({ model }: Resolved, before: Resolved | null, policy: PolicySource): boolean {
  return (
    before?.policies.get(policy.key) === policy &&
    before.model.prefixLists === model.prefixLists &&
    before.model.networks.get(policy.network) === model.networks.get(policy.network) &&
    policy.groups.every((id) => before.model.groups.get(id) === model.groups.get(id))
  );
}

/** Who is a member hangs on interfaces and networks alone. */
function areMembersProven({ model, addresses, identities }: Resolved, before: Resolved | null): boolean {
  return (
    before?.addresses === addresses &&
    before.identities === identities &&
    before.model.interfaces === model.interfaces &&
    before.model.networks === model.networks
  );
}

/** What interfaces with the same policy have in common. */
function proveIdentity(source: Interface, policy: PolicySource | undefined): string | null {
  if (policy === undefined) return `${source.id} has no policy`;
  const isSame =
    policy.network === source.network &&
    policy.nicType === source.nicType &&
    isSameGroups(source.groups, policy.groups);
  return isSame ? null : `${source.id}: its policy is that of other groups`;
}

function isSameGroups(left: readonly string[], right: readonly string[]): boolean {
  if (left.length === 1 && right.length === 1) return left[0] === right[0];
  const wanted = new Set(left);
  return wanted.size === new Set(right).size && right.every((id) => wanted.has(id));
}

function proveSource(model: Model, source: Interface, policy: PolicySource): string | null {
  const groups = groupsOf(model, source);
  const sees = model.networks.get(source.network)?.type !== "classic" || source.nicType === "intranet";
  const inner = groups.filter(
    ({ type, innerAccess }) => sees && type === "basic" && innerAccess === "accept",
  );
  const enforced = inner.filter(({ mode }) => mode === "enforce");
  if (!isSameSet(policy.innerGroups, inner) || !isSameSet(policy.innerGroupsEnforced, enforced))
    return "inner access is that of other groups";
  for (const direction of ["egress", "ingress"] as const) {
    const side = policy.sides[direction];
    const wrong =
      proveDefaults(side, direction, groups) ??
      proveRules(model, sees, side, rulesOf(model, source, direction, groups)) ??
      proveOrder(side.rules);
    if (wrong !== null) return `${direction}: ${wrong}`;
  }
  return null;
}

function isSameSet(ids: readonly string[], groups: readonly { readonly id: string }[]): boolean {
  const wanted = new Set(groups.map(({ id }) => id));
  return ids.length === wanted.size && ids.every((id) => wanted.has(id));
}

function proveDefaults(
  side: PolicySide,
  direction: Direction,
  groups: readonly GroupRule["group"][],
): string | null {
  const accepts = (some: typeof groups) =>
    direction === "egress" && !some.some(({ defaultEgress }) => defaultEgress === "drop");
  const enforcing = groups.filter(({ mode }) => mode === "enforce");
  if (side.direction !== direction) return `is the ${side.direction} side`;
  if (side.defaultAccept !== accepts(groups)) return "has the other default";
  if (side.observes !== enforcing.length < groups.length) return "observes, or does not, by mistake";
  const enforcedDefault = enforcing.length === 0 || accepts(enforcing);
  return side.defaultAcceptEnforced === enforcedDefault ? null : "has the other default of enforcing groups";
}

/** Each rule once, none left out, none of others. */
function proveRules(
  model: Model,
  seesGroups: boolean,
  side: PolicySide,
  wanted: readonly GroupRule[],
): string | null {
  const left = new Map(wanted.map(({ group, rule }) => [rule, group]));
  if (left.size !== side.rules.length) return `has ${side.rules.length} rules instead of ${left.size}`;
  for (const ordered of side.rules) {
    const group = left.get(ordered.rule);
    if (group?.id !== ordered.group) return `has a rule of ${ordered.group} that does not judge it`;
    left.delete(ordered.rule);
    if (ordered.enforced !== (group.mode === "enforce"))
      return `${group.id} enforces, or does not, by mistake`;
    if (!meansSame(model, seesGroups, ordered))
      return `the remote of rule ${ordered.rule.index} of ${group.id} means something else`;
  }
  return null;
}

function meansSame(model: Model, seesGroups: boolean, { rule, remote }: OrderedRule): boolean {
  const written = rule.remote;
  switch (written.kind) {
    case "prefix":
      return remote.kind === "prefixes" && isSamePrefixes(remote.prefixes, [written.prefix]);
    case "prefix-list": {
      const entries = model.prefixLists.get(written.list)?.entries ?? [];
      return (
        remote.kind === "prefixes" &&
        isSamePrefixes(
          remote.prefixes,
          entries.map(({ prefix }) => prefix),
        )
      );
    }
    case "group":
      if (!seesGroups) return remote.kind === "prefixes" && remote.prefixes.length === 0;
      return remote.kind === "group" && remote.group === written.group;
    default:
      return written satisfies never;
  }
}

function isSamePrefixes(left: readonly Prefix[], right: readonly Prefix[]): boolean {
  const isSame = (a: Prefix, b: Prefix | undefined) =>
    b !== undefined && a.family === b.family && a.length === b.length && a.bits === b.bits;
  return left.length === right.length && left.every((prefix, index) => isSame(prefix, right[index]));
}

/** The lowest bit decides: so the smallest priority has to come first, and at equal priority drop. */
function proveOrder(rules: readonly OrderedRule[]): string | null {
  for (const [place, { number, rule }] of rules.entries()) {
    if (number !== place) return `rule ${place} has number ${number}`;
    const before = rules[place - 1]?.rule;
    if (before === undefined || before.priority < rule.priority) continue;
    if (before.priority > rule.priority) return `priority ${before.priority} stands before ${rule.priority}`;
    if (before.policy === "accept" && rule.policy === "drop")
      return `at priority ${rule.priority} an accept stands before a drop`;
  }
  return null;
}

interface Holder {
  readonly groups: Set<string>;
  gateway: boolean;
}

/** Every address of every member, and every gateway, once; with the groups that stand behind it. */
function proveMembers({ model, addresses, identities }: Resolved): string | null {
  const wanted = collectHolders(model);
  if (addresses.length !== wanted.size)
    return `${addresses.length} addresses are known instead of ${wanted.size}`;
  for (const { network, address, identity, gateway } of addresses) {
    const key = `${network} ${addressText(address)}`;
    const holder = wanted.get(key);
    if (holder === undefined) return `${key} is nobody's address, or there twice`;
    wanted.delete(key);
    const groups = [...holder.groups].sort().join(" ");
    const held = [...(identities.get(identity) ?? ["?"])].sort().join(" ");
    if (groups !== held) return `${key} stands for ${held} instead of ${groups}`;
    if (gateway !== holder.gateway) return `${key} is a gateway, or is not, by mistake`;
  }
  return null;
}

function collectHolders(model: Model): Map<string, Holder> {
  const holders = new Map<string, Holder>();
  const holderOf = (key: string): Holder => {
    const known = holders.get(key) ?? { groups: new Set(), gateway: false };
    holders.set(key, known);
    return known;
  };
  for (const { network, nicType, addresses, mac, groups } of model.interfaces.values()) {
    const counts = model.networks.get(network)?.type !== "classic" || nicType === "intranet";
    for (const own of [...addresses, madeLinkLocal(mac)]) {
      const holder = holderOf(`${network} ${addressText(own)}`);
      for (const group of counts ? groups : []) holder.groups.add(group);
    }
  }
  for (const { id, gateways } of model.networks.values()) {
    for (const own of gateways) holderOf(`${id} ${addressText(own)}`).gateway = true;
  }
  return holders;
}
