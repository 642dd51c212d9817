/**
 * A new session's verdict from compiled data, look-up by look-up as the kernel does it. It knows no rules, only
 * what the maps hold; with it the compiler is tested without a kernel.
 */
import type { Address, Direction, Family } from "../model/model.ts";
import { type Bitmap, createBitmap, findLowest, noBits, strideOf, viewHalves } from "./bitmap.ts";
import { bitsFlag, sideFlag } from "./layout.ts";
import { widthOf } from "./prefixes.ts";
import type { Bits, Cell, CompiledPolicy, CompiledPrefix, CompiledSide, Identity } from "./types.ts";

/** What the maps are asked about a packet that opens a session. */
export interface MatchQuestion {
  readonly direction: Direction;
  readonly remote: Address;
  readonly local: Address;
  /** Of the remote address; `noIdentity` where it is nobody's. */
  readonly identity: Identity;
  /** serviceOf(packet) */
  readonly service: number;
  /** 0 where the packet has no ports. */
  readonly sourcePort: number;
  /** Whole seconds of UTC. */
  readonly time: number;
}

export type MatchReason =
  | "rule"
  | "inner-access"
  | "default-egress"
  | "no-rule"
  | "default-drop"
  | "observed";

export interface Match {
  readonly verdict: "accept" | "drop";
  readonly reason: MatchReason;
  /** Number of the rule that decided, or that would have dropped an observed packet. */
  readonly rule: number | null;
}

/** One question. For many of the same policy, createMatcher is quicker. */
export function matchCompiled(compiled: CompiledPolicy, question: MatchQuestion): Match {
  return createMatcher(compiled)(question);
}

/** Indexes the prefixes and identities of a policy once. */
export function createMatcher(compiled: CompiledPolicy): (question: MatchQuestion) => Match {
  const halves = viewHalves(compiled.words);
  const tries = new Map<string, Trie>();
  for (const entry of compiled.prefixes) {
    addEntry(tries, entry);
  }
  const groups = new Map(
    compiled.groups.map(({ direction, identity, bits }) => [`${direction} ${identity}`, bits]),
  );
  return (question) => {
    const side = compiled.sides[question.direction];
    const remote =
      side.flags & sideFlag.prefixes
        ? findLongest(tries, question.direction, false, question.remote)
        : noBits;
    const members =
      side.flags & sideFlag.groups
        ? (groups.get(`${question.direction} ${question.identity}`) ?? noBits)
        : noBits;
    const candidates = selectRules(side, halves, { remote, members }, tries, question);
    return decide(side, halves, candidates, members.flags, question.direction);
  };
}

/** Entries of one side, kind and family: bits by prefix, and the lengths that there are, longest first. */
interface Trie {
  readonly entries: Map<string, Bits>;
  readonly lengths: number[];
}

function addEntry(tries: Map<string, Trie>, { direction, local, prefix, bits }: CompiledPrefix): void {
  const head = headOf(direction, local, prefix.family);
  const trie: Trie = tries.get(head) ?? { entries: new Map(), lengths: [] };
  tries.set(head, trie);
  trie.entries.set(`${prefix.bits}/${prefix.length}`, bits);
  if (!trie.lengths.includes(prefix.length)) {
    trie.lengths.push(prefix.length);
    trie.lengths.sort((a, b) => b - a);
  }
}

function headOf(direction: Direction, local: boolean, family: Family): string {
  return `${direction} ${local} ${family}`;
}

function findLongest(
  tries: ReadonlyMap<string, Trie>,
  direction: Direction,
  local: boolean,
  address: Address,
): Bits {
  const trie = tries.get(headOf(direction, local, address.family));
  for (const length of trie?.lengths ?? []) {
    const shift = BigInt(widthOf(address.family) - length);
    const bits = trie?.entries.get(`${(address.bits >> shift) << shift}/${length}`);
    if (bits !== undefined) {
      return bits;
    }
  }
  return noBits;
}

/** The cell that holds `value`: the last one that begins at or before it. */
function findCell(cells: readonly Cell[], value: number): Bits {
  let low = 0;
  let high = cells.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cells[middle]?.first ?? Number.POSITIVE_INFINITY) <= value) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return cells[low - 1]?.bits ?? noBits;
}

/** (prefixes OR groups) AND service AND, where the side uses them, source port, local address and expiry. */
function selectRules(
  side: CompiledSide,
  halves: Bitmap,
  { remote, members }: { readonly remote: Bits; readonly members: Bits },
  tries: ReadonlyMap<string, Trie>,
  question: MatchQuestion,
): Bitmap {
  const all = [findCell(side.service, question.service)];
  if (side.flags & sideFlag.sourcePorts) {
    all.push(findCell(side.sourcePort, question.sourcePort));
  }
  if (side.flags & sideFlag.locals) {
    all.push(findLongest(tries, question.direction, true, question.local));
  }
  if (side.flags & sideFlag.expires) {
    all.push(findCell(side.expires, question.time));
  }
  const candidates = createBitmap(strideOf(side.rules));
  for (let half = 0; half < candidates.length; half++) {
    const either = readHalf(halves, remote, half) | readHalf(halves, members, half);
    candidates[half] = all.reduce((bits, dimension) => bits & readHalf(halves, dimension, half), either);
  }
  return candidates;
}

/** Words that the summary does not name are not read: they need not be there. */
function readHalf(halves: Bitmap, bits: Bits, half: number): number {
  const isNamed = (bits.summary >> BigInt(half >>> 1)) & 1n;
  return isNamed === 1n ? (halves[2 * bits.base + half] ?? 0) : 0;
}

function decide(
  side: CompiledSide,
  halves: Bitmap,
  candidates: Bitmap,
  flags: number,
  direction: Direction,
): Match {
  const match = decideAmong(side, halves, candidates, direction, {
    inner: (flags & bitsFlag.innerAccess) !== 0,
    accepts: (side.flags & sideFlag.defaultAccept) !== 0,
  });
  if (match.verdict === "accept" || (side.flags & sideFlag.observes) === 0) {
    return match;
  }
  const enforced = candidates.map((bits, half) =>
    half < 2 * side.enforcedWords ? bits & (halves[2 * side.enforcedBase + half] ?? 0) : 0,
  );
  const alone = decideAmong(side, halves, enforced, direction, {
    inner: (flags & bitsFlag.innerAccessEnforced) !== 0,
    accepts: (side.flags & sideFlag.defaultAcceptEnforced) !== 0,
  });
  return alone.verdict === "drop" ? match : { verdict: "accept", reason: "observed", rule: match.rule };
}

function decideAmong(
  side: CompiledSide,
  halves: Bitmap,
  candidates: Bitmap,
  direction: Direction,
  otherwise: { readonly inner: boolean; readonly accepts: boolean },
): Match {
  const rule = findLowest(candidates);
  if (rule !== null) {
    const accepts = ((halves[2 * side.acceptsBase + (rule >>> 5)] ?? 0) >>> (rule & 31)) & 1;
    return { verdict: accepts === 1 ? "accept" : "drop", reason: "rule", rule };
  }
  if (otherwise.inner) {
    return { verdict: "accept", reason: "inner-access", rule: null };
  }
  if (otherwise.accepts) {
    return { verdict: "accept", reason: "default-egress", rule: null };
  }
  return { verdict: "drop", reason: direction === "egress" ? "default-drop" : "no-rule", rule: null };
}
