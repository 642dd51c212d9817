/** What resolve and compile hand on: plain data, no kernel. */
import type { Address, Direction, Interface, Model, NicType, Prefix, Rule } from "../model/model.ts";

/** Digest of a network and a set of groups (64 bits, never 0). The empty set has identity `emptyIdentity`. */
export type Identity = bigint;

/** One rule in the order of its side. `number` is its bit. */
export interface OrderedRule {
  readonly number: number;
  readonly group: string;
  readonly rule: Rule;
  /** Its group enforces (false: observes). */
  readonly enforced: boolean;
  /** What its remote means here: prefixes, or a group whose members' identities match. */
  readonly remote:
    | { readonly kind: "prefixes"; readonly prefixes: readonly Prefix[] }
    | { readonly kind: "group"; readonly group: string };
}

export interface PolicySide {
  readonly direction: Direction;
  /** By priority, drop first, group, place in the group. */
  readonly rules: readonly OrderedRule[];
  readonly defaultAccept: boolean;
  /** The default of the enforcing groups alone (true where no group enforces). */
  readonly defaultAcceptEnforced: boolean;
  /** Some group of the interface observes. */
  readonly observes: boolean;
}

/** What interfaces with the same set of groups, network and nic type share. */
export interface PolicySource {
  /** Digest of network, nic type and set of groups. */
  readonly key: bigint;
  readonly network: string;
  readonly nicType: NicType;
  readonly groups: readonly string[];
  /** Groups of it whose members reach each other (basic, innerAccess accept); none for internet interfaces. */
  readonly innerGroups: readonly string[];
  /** Those of them that enforce. */
  readonly innerGroupsEnforced: readonly string[];
  readonly sides: Readonly<Record<Direction, PolicySide>>;
}

/** An address of a member, or a gateway, and the set of groups that stands behind it. */
export interface ResolvedAddress {
  readonly network: string;
  readonly address: Address;
  readonly identity: Identity;
  readonly gateway: boolean;
}

export interface ResolvedInterface {
  readonly interface: Interface;
  /** PolicySource.key */
  readonly policy: bigint;
}

export interface Resolved {
  readonly model: Model;
  /** This host's interfaces. */
  readonly interfaces: readonly ResolvedInterface[];
  readonly policies: ReadonlyMap<bigint, PolicySource>;
  /** All members of all hosts, listed and link-local addresses. */
  readonly addresses: readonly ResolvedAddress[];
  /** The set of groups behind each identity. */
  readonly identities: ReadonlyMap<Identity, readonly string[]>;
}

/**
 * struct bits: `base` is relative to the policy's own words. Word w of the bitmap stands at base + w where the
 * summary names it; words that it does not name are not there and must not be read.
 */
export interface Bits {
  readonly summary: bigint;
  readonly base: number;
  readonly flags: number;
}

/** One entry of the trie. An entry that would say the same as the next shorter one that covers it is left out. */
export interface CompiledPrefix {
  readonly direction: Direction;
  readonly local: boolean;
  readonly prefix: Prefix;
  readonly bits: Bits;
}

/** The rules of a side that name a group of this identity; no entry where there is neither rule nor flag. */
export interface CompiledGroup {
  readonly direction: Direction;
  readonly identity: Identity;
  readonly bits: Bits;
}

/** A cell of a sorted dimension; the first one begins at 0. */
export interface Cell {
  readonly first: number;
  readonly bits: Bits;
}

export interface CompiledSide {
  /** enum side_flag */
  readonly flags: number;
  readonly rules: number;
  readonly service: readonly Cell[];
  readonly sourcePort: readonly Cell[];
  readonly expires: readonly Cell[];
  /**
   * First word of the mask of the rules that accept (bit n unset: rule n drops); ceil(rules / 64) words.
   * The masks stand at the head of a policy's words: egress accepts, egress enforced, ingress accepts, ingress
   * enforced.
   */
  readonly acceptsBase: number;
  /**
   * First word and number of words of the enforcing groups' mask; 0 words where no group observes. It begins
   * where the mask of accepts ends.
   */
  readonly enforcedBase: number;
  readonly enforcedWords: number;
}

export interface CompiledPolicy {
  readonly source: PolicySource;
  /** Digest of everything below and of the rules that the bits stand for, 128 bits. */
  readonly content: readonly [bigint, bigint];
  readonly words: BigUint64Array;
  readonly prefixes: readonly CompiledPrefix[];
  readonly groups: readonly CompiledGroup[];
  readonly sides: Readonly<Record<Direction, CompiledSide>>;
}
