/** From a model to what this host enforces: names become prefixes and sets of groups, rules get their order. */
import type { Direction, Group, Model, Network, Prefix, Remote } from "../model/model.ts";
import { DigestRegistry } from "./digest.ts";
import { policyKeyOf, sortIds } from "./identity.ts";
import { collectMembers, type Members, standsForGroups } from "./members.ts";
import { compareRules, type PlacedRule } from "./order.ts";
import type { OrderedRule, PolicySide, PolicySource, Resolved, ResolvedInterface } from "./types.ts";

/**
 * This host's interfaces and their policies, one for each network, nic type and set of groups; the addresses of
 * all hosts. Pure: the same model gives the same numbers, keys and identities.
 * @param options.host the host's name: an interface without hosts, or with this one among them, is its own
 * @param options.before of an earlier model, for the same host: what was made of objects that this model still has
 *   is taken over
 * @throws Error when an interface names a network or group, or a rule a prefix list, that the model lacks (a
 *   checked model never does), or when two sets of groups have the same digest
 */
export function resolve(
  model: Model,
  options: { readonly host: string; readonly before?: Resolved | null },
): Resolved {
  const before = options.before ?? null;
  const { interfaces, sets } = keepPlaces(model, before) ?? placeInterfaces(model, options.host);
  const policies = new Map<bigint, PolicySource>();
  const expand = createExpander(model);
  for (const [key, set] of sets) {
    policies.set(key, keepPolicy(model, before, key) ?? resolvePolicy(model, key, set, expand));
  }
  return { model, interfaces, policies, ...resolveMembers(model, before) };
}

/** What interfaces with the same policy have in common. */
type PolicySet = Pick<PolicySource, "network" | "nicType" | "groups">;

interface Places {
  readonly interfaces: readonly ResolvedInterface[];
  /** By the policy's key. */
  readonly sets: ReadonlyMap<bigint, PolicySet>;
}

function placeInterfaces(model: Model, host: string): Places {
  const registry = new DigestRegistry("policy");
  const sets = new Map<bigint, PolicySet>();
  const interfaces: ResolvedInterface[] = [];
  const keys = new Map<string, bigint>();
  for (const iface of model.interfaces.values()) {
    if (iface.hosts.length > 0 && !iface.hosts.includes(host)) {
      continue;
    }
    const { network, nicType } = iface;
    const groups = sortIds(iface.groups);
    const meaning = `${nicType} interfaces in ${groups.join(", ")} of network ${network}`;
    const key = keys.get(meaning) ?? policyKeyOf(network, nicType, groups);
    keys.set(meaning, key);
    registry.claim(key, meaning);
    if (!sets.has(key)) {
      sets.set(key, { network, nicType, groups });
    }
    interfaces.push({ interface: iface, policy: key });
  }
  return { interfaces, sets };
}

/** Which policy an interface has hangs on interfaces alone. */
function keepPlaces(model: Model, before: Resolved | null): Places | null {
  return before?.model.interfaces === model.interfaces
    ? { interfaces: before.interfaces, sets: before.policies }
    : null;
}

/** The policy of before, where all that it was made of is still there; its key says of which groups it is. */
function keepPolicy(model: Model, before: Resolved | null, key: bigint): PolicySource | undefined {
  const source = before?.policies.get(key);
  if (before === null || source === undefined) {
    return undefined;
  }
  const isKept =
    model.prefixLists === before.model.prefixLists &&
    model.networks.get(source.network) === before.model.networks.get(source.network) &&
    source.groups.every((id) => model.groups.get(id) === before.model.groups.get(id));
  return isKept ? source : undefined;
}

function resolveMembers(model: Model, before: Resolved | null): Members {
  if (before === null) {
    return collectMembers(model);
  }
  if (model.interfaces === before.model.interfaces && model.networks === before.model.networks) {
    return { addresses: before.addresses, identities: before.identities };
  }
  const members = collectMembers(model);
  // Policies are compiled for identities: the same ones are the same object.
  const isSame =
    members.identities.size === before.identities.size &&
    [...members.identities].every(([identity, groups]) => {
      const known = before.identities.get(identity);
      return known?.length === groups.length && known.every((id, index) => id === groups[index]);
    });
  return isSame ? { addresses: members.addresses, identities: before.identities } : members;
}

type Expander = (remote: Remote, seesGroups: boolean) => OrderedRule["remote"];

function resolvePolicy(model: Model, key: bigint, set: PolicySet, expand: Expander): PolicySource {
  const network = model.networks.get(set.network);
  if (network === undefined) {
    throw new Error(`an interface names network ${set.network}, which the model does not have`);
  }
  const groups = set.groups.map((id) => findGroup(model, id));
  const seesGroups = standsForGroups(model, set);
  const inner = seesGroups ? groups.filter(isMutuallyAccessible) : [];
  const side = (direction: Direction): PolicySide =>
    resolveSide(groups, direction, (placed) =>
      appliesTo(network, set, placed) ? expand(placed.rule.remote, seesGroups) : null,
    );
  return {
    key,
    network: set.network,
    nicType: set.nicType,
    groups: set.groups,
    innerGroups: inner.map((group) => group.id),
    innerGroupsEnforced: inner.filter(enforces).map((group) => group.id),
    sides: { egress: side("egress"), ingress: side("ingress") },
  };
}

function findGroup(model: Model, id: string): Group {
  const group = model.groups.get(id);
  if (group === undefined) {
    throw new Error(`an interface is in group ${id}, which the model does not have`);
  }
  return group;
}

/** @param locate what a rule's remote means here; null where the rule does not judge this interface */
function resolveSide(
  groups: readonly Group[],
  direction: Direction,
  locate: (placed: PlacedRule) => OrderedRule["remote"] | null,
): PolicySide {
  const rules: OrderedRule[] = [];
  const placed = groups.flatMap((group) =>
    group.rules.filter((rule) => rule.direction === direction).map((rule) => ({ group, rule })),
  );
  for (const candidate of placed.sort(compareRules)) {
    const remote = locate(candidate);
    if (remote !== null) {
      const { group, rule } = candidate;
      rules.push({ number: rules.length, group: group.id, rule, enforced: enforces(group), remote });
    }
  }
  const enforcing = groups.filter(enforces);
  return {
    direction,
    rules,
    defaultAccept: acceptsByDefault(groups, direction),
    // Without enforcing groups nothing is dropped by rules.
    defaultAcceptEnforced: enforcing.length === 0 || acceptsByDefault(enforcing, direction),
    observes: enforcing.length < groups.length,
  };
}

function acceptsByDefault(groups: readonly Group[], direction: Direction): boolean {
  return direction === "egress" && groups.every((group) => group.defaultEgress === "accept");
}

/** On a classic network a rule judges the interfaces of its nic type; in a VPC, all. */
function appliesTo(network: Network, { nicType }: PolicySet, { rule }: PlacedRule): boolean {
  return network.type === "vpc" || rule.nicType === nicType;
}

function isMutuallyAccessible(group: Group): boolean {
  return group.type === "basic" && group.innerAccess === "accept";
}

function enforces(group: Group): boolean {
  return group.mode === "enforce";
}

/** Rules that name the same list share one array, so that the compiler walks it once. */
function createExpander(model: Model): Expander {
  const lists = new Map<string, readonly Prefix[]>();
  const expandList = (id: string): readonly Prefix[] => {
    const known = lists.get(id);
    if (known !== undefined) {
      return known;
    }
    const list = model.prefixLists.get(id);
    if (list === undefined) {
      throw new Error(`a rule names prefix list ${id}, which the model does not have`);
    }
    const prefixes = list.entries.map((entry) => entry.prefix);
    lists.set(id, prefixes);
    return prefixes;
  };
  return (remote, seesGroups) => {
    switch (remote.kind) {
      case "prefix":
        return { kind: "prefixes", prefixes: [remote.prefix] };
      case "prefix-list":
        return { kind: "prefixes", prefixes: expandList(remote.list) };
      case "group":
        // Seen from an internet interface of a classic network a group has no members.
        return seesGroups ? { kind: "group", group: remote.group } : { kind: "prefixes", prefixes: [] };
      default:
        return remote satisfies never;
    }
  };
}
