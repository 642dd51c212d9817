/** The model: what a rule set says, checked and in one form. Everything past the edge trusts these types. */

export type Direction = "egress" | "ingress";
export type Policy = "accept" | "drop";
export type NicType = "internet" | "intranet";
export type Family = 4 | 6;

/** A place in a file: 1-based line and column. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** An address; `bits` has 32 (IPv4) or 128 (IPv6) bits. */
export interface Address {
  readonly family: Family;
  readonly bits: bigint;
}

/** A prefix; host bits are zero. */
export interface Prefix extends Address {
  readonly length: number;
}

/** Six bytes as a number. */
export type Mac = bigint;

/** First and last port, 0..65535. `null` in a rule: every port, port 0 too, and packets without ports. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export type Remote =
  | { readonly kind: "prefix"; readonly prefix: Prefix }
  | { readonly kind: "group"; readonly group: string }
  | { readonly kind: "prefix-list"; readonly list: string };

export interface Rule {
  readonly id: string | null;
  readonly direction: Direction;
  readonly policy: Policy;
  /** As written: `all`, `tcp`, …, or a number. */
  readonly protocol: string | number;
  /** IP protocol number; null for `all`. 1 matches ICMP in IPv4 only, 58 ICMPv6 in IPv6 only. */
  readonly protocolNumber: number | null;
  readonly ports: PortRange | null;
  readonly sourcePorts: PortRange | null;
  readonly icmpType: number | null;
  readonly icmpCode: number | null;
  readonly priority: number;
  readonly remote: Remote;
  /** Prefix of the protected side (five-tuple form); null: any. */
  readonly local: Prefix | null;
  readonly nicType: NicType;
  readonly description: string;
  /** Seconds of UTC since 1970 from which the rule no longer matches; null: never. */
  readonly expires: number | null;
  readonly template: boolean;
  /** Place in its group, from 0. */
  readonly index: number;
  /** Where it is written; null for one that no file holds (the default group's). */
  readonly place: Place | null;
}

export interface Group {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: "basic" | "advanced";
  readonly network: string;
  readonly innerAccess: Policy;
  readonly defaultEgress: Policy;
  readonly mode: "enforce" | "observe";
  /** The network's default group. */
  readonly isDefault: boolean;
  readonly rules: readonly Rule[];
  readonly tags: ReadonlyMap<string, string>;
  readonly place: Place | null;
}

export interface Network {
  readonly id: string;
  readonly type: "vpc" | "classic";
  readonly forwarding: "kernel" | "direct";
  /** Addresses that no guest may claim. */
  readonly gateways: readonly Address[];
  readonly place: Place | null;
}

export interface PrefixList {
  readonly id: string;
  readonly name: string;
  readonly family: Family;
  readonly maxEntries: number;
  readonly entries: readonly { readonly prefix: Prefix; readonly description: string }[];
  readonly place: Place | null;
}

/** An address or prefix that is an interface's own beside its addresses; with this MAC, or with its own. */
export interface AddressPair {
  readonly prefix: Prefix;
  readonly mac: Mac | null;
}

export interface SessionSizes {
  readonly established: number;
  readonly answered: number;
  readonly opening: number;
}

export interface Interface {
  readonly id: string;
  readonly instance: string;
  /** Hosts that it is on (two while a guest moves); empty: this host. */
  readonly hosts: readonly string[];
  /** Host-side netdev. */
  readonly device: string;
  readonly mac: Mac;
  readonly addresses: readonly Address[];
  readonly nicType: NicType;
  readonly network: string;
  /** At least one; the network's default group where none is written. */
  readonly groups: readonly string[];
  readonly antiSpoofing: boolean | "observe";
  readonly allowedAddressPairs: readonly AddressPair[];
  /** VLAN ids (1..4094) that it may use. */
  readonly vlans: readonly number[];
  /** Ethertypes (0x0600..0xffff) beside IP and ARP that it may use. */
  readonly etherTypes: readonly number[];
  /** Sizes of its own; null: the agent's. */
  readonly sessions: SessionSizes | null;
  readonly place: Place | null;
}

export interface Model {
  readonly networks: ReadonlyMap<string, Network>;
  readonly prefixLists: ReadonlyMap<string, PrefixList>;
  /** The default groups that had to be made are among them. */
  readonly groups: ReadonlyMap<string, Group>;
  /** In the order of the files. */
  readonly interfaces: ReadonlyMap<string, Interface>;
}

/** Bounds of a model (agent.yaml: limits). */
export interface Limits {
  readonly rulesPerGroup: number;
  readonly groupsPerInterface: number;
  readonly rulesPerInterface: number;
  readonly entriesPerPrefixList: number;
  readonly prefixesPerPolicy: number;
  readonly addressesPerBasicGroup: number;
  readonly addressesPerAdvancedGroup: number;
}

export const defaultLimits: Limits = {
  rulesPerGroup: 200,
  groupsPerInterface: 10,
  rulesPerInterface: 1000,
  entriesPerPrefixList: 1000,
  prefixesPerPolicy: 20000,
  addressesPerBasicGroup: 2000,
  addressesPerAdvancedGroup: 65536,
};
