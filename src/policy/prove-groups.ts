/** Proof of the group dimension: every identity that has a member meets the rules that name one of its groups. */
import type { Direction } from "../model/model.ts";
import { createBitmap, noBits, setBit } from "./bitmap.ts";
import { bitsFlag } from "./layout.ts";
import { fail, type ProofContext, type ProofFailure, proveBits } from "./prove-bits.ts";
import type { Bits, CompiledGroup, Identity, PolicySource } from "./types.ts";

/** What a group means to a side: the rules that name it, and inner access with it (enum bits_flag). */
interface Meaning {
  readonly numbers: number[];
  flags: number;
}

/** Of all identities, also those without an entry; an identity without members has none. */
export function proveGroups(
  context: ProofContext,
  source: PolicySource,
  identities: Identities,
  entries: readonly CompiledGroup[],
): ProofFailure | null {
  const held = new Map<Identity, Bits>();
  for (const { direction, identity, bits } of entries) {
    if (direction !== context.direction) {
      continue;
    }
    if (held.has(identity) || !identities.has(identity)) {
      const fault = held.has(identity) ? "has two entries" : "has an entry but no member";
      return fail(context, "groups", null, `identity ${identity.toString(16)} ${fault}`);
    }
    held.set(identity, bits);
  }
  const meanings = collectMeanings(source, context.direction);
  // Those that neither have an entry nor mean anything to this side match nothing, and find nothing.
  const concerned = new Set([...held.keys(), ...[...meanings.keys()].flatMap(listIdentities(identities))]);
  for (const identity of concerned) {
    const groups = identities.get(identity) ?? [];
    const failure = proveIdentity(context, groups, held.get(identity) ?? noBits, meanings);
    if (failure !== null) {
      return failure;
    }
  }
  return null;
}

type Identities = ReadonlyMap<Identity, readonly string[]>;

/** group -> identities with it, for each host's identities: a thousand policies ask the same ones. */
const indexes = new WeakMap<Identities, ReadonlyMap<string, readonly Identity[]>>();

/** Gives the function that lists the identities of a group that have members. */
export function listIdentities(identities: Identities): (group: string) => readonly Identity[] {
  const index = indexes.get(identities) ?? indexGroups(identities);
  indexes.set(identities, index);
  return (group) => index.get(group) ?? [];
}

function indexGroups(identities: Identities): ReadonlyMap<string, readonly Identity[]> {
  const index = new Map<string, Identity[]>();
  for (const [identity, groups] of identities) {
    for (const group of groups) {
      const list = index.get(group);
      if (list === undefined) {
        index.set(group, [identity]);
      } else {
        list.push(identity);
      }
    }
  }
  return index;
}

function proveIdentity(
  context: ProofContext,
  groups: readonly string[],
  bits: Bits,
  meanings: ReadonlyMap<string, Meaning>,
): ProofFailure | null {
  const expected = createBitmap(context.stride);
  let flags = 0;
  for (const meaning of groups.flatMap((group) => meanings.get(group) ?? [])) {
    flags |= meaning.flags;
    for (const number of meaning.numbers) {
      setBit(expected, number);
    }
  }
  const where = () => `the identity of ${groups.join(", ") || "no group"}`;
  return bits.flags === flags
    ? proveBits(context, "groups", bits, expected, where)
    : fail(context, "groups", null, `${where()} has flags ${bits.flags} instead of ${flags}`);
}

function collectMeanings(source: PolicySource, direction: Direction): Map<string, Meaning> {
  const meanings = new Map<string, Meaning>();
  const meaningOf = (group: string): Meaning => {
    const known = meanings.get(group) ?? { numbers: [], flags: 0 };
    meanings.set(group, known);
    return known;
  };
  for (const { number, remote } of source.sides[direction].rules) {
    if (remote.kind === "group") {
      meaningOf(remote.group).numbers.push(number);
    }
  }
  for (const group of source.innerGroups) {
    meaningOf(group).flags |= bitsFlag.innerAccess;
  }
  for (const group of source.innerGroupsEnforced) {
    meaningOf(group).flags |= bitsFlag.innerAccessEnforced;
  }
  return meanings;
}
