/**
 * Worlds: models of a hundred interfaces whose groups use every feature of a rule, made so that what is written
 * lies next to what else is written. For tests that need thousands of rule sets.
 */
import type { Interface, Model, PrefixList } from "../../src/model/model.ts";
import { address, group, type InterfaceText, model, network, nic, prefixList } from "./bed.ts";
import type { Random } from "./random.ts";
import { worldLists, worldPrefix, worldRule } from "./world-rules.ts";

/** Two VPCs with equal addresses, and a classic network. */
export const worldNetworks = ["vpc-a", "vpc-b", "classic"] as const;
export type WorldNetwork = (typeof worldNetworks)[number];

export interface WorldSize {
  readonly interfaces: number;
  /** In each network. */
  readonly groups: number;
  /** Of a group, at most. */
  readonly rules: number;
}

export const usualWorld: WorldSize = { interfaces: 100, groups: 60, rules: 12 };

/** Some hundred rules an interface: bitmaps of several words. */
export const largeWorld: WorldSize = { interfaces: 12, groups: 8, rules: 190 };

/** The last byte, or word, of the addresses of an interface: neighbours in each network, equal over networks. */
function hostNumber(index: number): number {
  return 8 + Math.floor(index / worldNetworks.length);
}

export function worldNetworkOf(index: number): WorldNetwork {
  return worldNetworks[index % worldNetworks.length] ?? "vpc-a";
}

const hex = (value: number): string => value.toString(16).padStart(2, "0");

/** Of both families mostly, of one, more than a record holds inline, none. */
function addressesOf(random: Random, host: number): readonly string[] {
  const [four, six] = [`10.0.0.${host}`, `2001:db8::${host.toString(16)}`];
  switch (random.below(8)) {
    case 0:
      return [four];
    case 1:
      return [six];
    case 2:
      return [six, four, ...[1, 5, 6, 7].map((net) => `10.0.${net}.${host}`)];
    case 3:
      return random.once(3) ? [] : [four, six];
    default:
      return [four, six];
  }
}

function pairsOf(random: Random, host: number): NonNullable<InterfaceText["pairs"]> {
  return random.once(5)
    ? [{ address: `10.0.9.${host}/32` }, { address: `2001:db8:9:${host.toString(16)}::/64` }]
    : [];
}

function worldInterface(random: Random, index: number, groups: readonly string[]): Interface {
  const host = hostNumber(index);
  const of = worldNetworkOf(index);
  return nic(`eni-${index}`, {
    mac: `02:00:00:00:02:${hex(host)}`,
    addresses: addressesOf(random, host),
    pairs: pairsOf(random, host),
    network: of,
    groups,
    nicType: of === "classic" && random.once(3) ? "internet" : "intranet",
    antiSpoofing: random.once(4),
    hosts: index % 10 === 9 ? ["elsewhere"] : [],
  });
}

/** The first is empty; a prefix may stand in a list twice. */
function listsOf(random: Random, family: 4 | 6): PrefixList[] {
  return worldLists[family].map((id, place) => {
    const entries = Array.from({ length: 4 * place }, () => worldPrefix(random, family));
    return prefixList(id, family, [...entries, ...entries.slice(0, 1)]);
  });
}

interface GroupPlan {
  readonly id: string;
  readonly network: WorldNetwork;
  readonly advanced: boolean;
}

/** In each network: one group in seven is advanced (no classic one), and the last one has no members. */
function planGroups({ groups }: WorldSize): GroupPlan[] {
  return worldNetworks.flatMap((of) =>
    Array.from({ length: groups }, (_, place) => ({
      id: `sg-${of}-${place}`,
      network: of,
      advanced: of !== "classic" && place % 7 === 6,
    })),
  );
}

function memberships(random: Random, plans: readonly GroupPlan[], of: WorldNetwork): readonly string[] {
  const own = plans.filter((plan) => plan.network === of).slice(0, -1);
  const advanced = random.once(7) && of !== "classic";
  const choice = own.filter((plan) => plan.advanced === advanced).map(({ id }) => id);
  return random.some(choice, random.once(12) ? 10 : random.between(1, 3));
}

function worldGroup(random: Random, plan: GroupPlan, plans: readonly GroupPlan[], size: WorldSize) {
  const { id, advanced } = plan;
  const groups = plans.filter((other) => other.network === plan.network).map((other) => other.id);
  const context = { network: plan.network, advanced, groups, isDefault: id.endsWith("-0") };
  const rules = Array.from({ length: random.between(2, size.rules) }, () => worldRule(random, context));
  return group(id, {
    rules,
    type: advanced ? "advanced" : "basic",
    network: plan.network,
    isDefault: context.isDefault,
    innerAccess: advanced || random.once(4) ? "drop" : "accept",
    defaultEgress: random.once(3) ? "drop" : "accept",
    mode: random.once(8) ? "observe" : "enforce",
  });
}

/** A model of this size; the same numbers give the same one. */
export function makeWorld(random: Random, size: WorldSize): Model {
  const plans = planGroups(size);
  return model({
    networks: worldNetworks.map((id) =>
      network(id, {
        type: id === "classic" ? "classic" : "vpc",
        gateways: [address("10.0.0.1"), address("fe80::1")],
      }),
    ),
    prefixLists: [...listsOf(random, 4), ...listsOf(random, 6)],
    groups: plans.map((plan) => worldGroup(random, plan, plans, size)),
    interfaces: Array.from({ length: size.interfaces }, (_, index) =>
      worldInterface(random, index, memberships(random, plans, worldNetworkOf(index))),
    ),
  });
}
