/** Models that the bench measures under: guests with many sessions, and with as many rules as are asked for. */
import type { Group, Interface, Model, PrefixList, Rule, SessionSizes } from "../../src/model/model.ts";
import { group, iface, model, prefixList, remote, tcp } from "../unit/policy/compile-fixture.ts";
import type { IpFamily } from "./flows.ts";

/** What a guest or a peer of this number is called; 16 bits. */
export const addressOf = (family: IpFamily, block: number, number: number): string =>
  family === "ipv4"
    ? `10.${block}.${number >> 8}.${number & 255}`
    : `2001:db8:${block.toString(16)}::${(number + 1).toString(16)}`;

export const macOf = (number: number): string =>
  `02:00:00:00:${(number >> 8).toString(16).padStart(2, "0")}:${(number & 255).toString(16).padStart(2, "0")}`;

const egress = { direction: "egress" } as const;

/** A guest that may send anything, with both families and tables of this size. */
export function openGuest(number: number, sessions: SessionSizes | null): Interface {
  const addresses = [addressOf("ipv4", 1, number), addressOf("ipv6", 1, number)];
  return iface(number, ["sg-open"], addresses, { sessions });
}

export const openGroup: Group = group("sg-open", [
  ...Array.from({ length: 8 }, (_, index) =>
    tcp(1000 + index, 1000 + index, { ...egress, policy: "drop", remote: remote(`10.250.${index}.0/24`) }),
  ),
  ...["0.0.0.0/0", "::/0"].map((every) => tcp(1, 65535, { ...egress, priority: 100, remote: remote(every) })),
]);

/** Ports that a rule has to itself. */
const portsOfRule = (index: number) => ({ first: 2000 + index * 10, last: 2009 + index * 10 });

const lists = 20;
const peerGroups = 50;
/** Members of each group that rules name; they are on other hosts. */
const membersOfPeer = 20;
const kinds = ["prefix", "group", "prefix list", "range"] as const;

/** What rule `index` is like: single ports of prefixes, groups and prefix lists, and ranges of ports, in turn. */
const kindOf = (index: number) => kinds[index % kinds.length] ?? "prefix";
/** One rule of nine drops. */
const drops = (index: number): boolean => index % 9 === 5;

/** A peer that rule `index` speaks of. */
export function peerOf(family: IpFamily, index: number): string {
  switch (kindOf(index)) {
    case "prefix":
      return addressOf(family, 100 + ((index >> 8) % 100), (index & 255) * 256 + 7);
    case "group":
      return addressOf(family, 50, (index % peerGroups) * membersOfPeer + (index % membersOfPeer));
    case "prefix list":
      return addressOf(family, 60, (index % lists) * 256 + (index % 10) * 16 + 3);
    case "range":
      return addressOf(family, 70, (index % 64) * 16 + 1);
  }
}

const blockOf = (family: IpFamily, block: number, number: number, length: number): string =>
  family === "ipv4"
    ? `${addressOf(family, block, number)}/${length}`
    : `2001:db8:${block.toString(16)}::${number.toString(16)}/${length + 96}`;

function ruleOf(family: IpFamily, index: number): Rule {
  const { first, last } = portsOfRule(index);
  const common = {
    ...egress,
    policy: drops(index) ? "drop" : "accept",
    priority: 1 + (index % 100),
  } as const;
  switch (kindOf(index)) {
    case "prefix": {
      const near = blockOf(family, 100 + ((index >> 8) % 100), (index & 255) * 256, 24);
      return tcp(first, first, { ...common, remote: remote(near) });
    }
    case "group":
      return tcp(first, first, { ...common, remote: remote(`sg-${family}-peers-${index % peerGroups}`) });
    case "prefix list":
      return tcp(first, first, { ...common, remote: remote(`pl-${family}-${index % lists}`) });
    case "range":
      return tcp(first, last, { ...common, remote: remote(blockOf(family, 70, (index % 64) * 16, 28)) });
  }
}

/** A packet that rule `index` is the one to match; `drops`: it is one of those that drop. */
export interface Match {
  readonly remote: string;
  readonly port: number;
  readonly drops: boolean;
}

export function matchesOf(family: IpFamily, rules: number): Match[] {
  return Array.from({ length: rules }, (_, index) => ({
    remote: peerOf(family, index),
    port: portsOfRule(index).first,
    drops: drops(index),
  }));
}

/** A guest in a group of `rules` rules of its family; what none lets through is dropped. */
export interface Ruled {
  readonly family: IpFamily;
  readonly rules: number;
  readonly number: number;
}

export function buildRuled(guests: readonly Ruled[], sessions: SessionSizes): Model {
  const families = [...new Set(guests.map(({ family }) => family))];
  const groups = guests.map(({ family, rules }) =>
    group(
      `sg-${family}-${rules}`,
      Array.from({ length: rules }, (_, index) => ruleOf(family, index)),
      { defaultEgress: "drop", innerAccess: "drop" },
    ),
  );
  const interfaces = guests.map(({ family, rules, number }) =>
    iface(number, [`sg-${family}-${rules}`], [addressOf(family, 1, number)], { sessions }),
  );
  const peers = families.flatMap((family) =>
    Array.from({ length: peerGroups }, (_, index) => buildPeers(family, index)),
  );
  return model({
    prefixLists: families.flatMap(buildLists),
    groups: [...groups, ...peers.map((peer) => peer.group)],
    interfaces: [...interfaces, ...peers.flatMap((peer) => peer.members)],
  });
}

function buildPeers(family: IpFamily, index: number) {
  const id = `sg-${family}-peers-${index}`;
  const members = Array.from({ length: membersOfPeer }, (_, place) => {
    const number = index * membersOfPeer + place;
    const at = (family === "ipv4" ? 10_000 : 20_000) + number;
    return iface(at, [id], [addressOf(family, 50, number)], { hosts: ["elsewhere"] });
  });
  return { group: group(id), members };
}

function buildLists(family: IpFamily): PrefixList[] {
  return Array.from({ length: lists }, (_, list) => {
    const entries = Array.from({ length: 10 }, (_, entry) =>
      blockOf(family, 60, list * 256 + entry * 16, 28),
    );
    return prefixList(`pl-${family}-${list}`, family === "ipv4" ? 4 : 6, entries);
  });
}
