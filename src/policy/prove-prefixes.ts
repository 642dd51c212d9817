/** Proof of the prefix dimensions: for every address, the longest entry says what all prefixes of the rules say. */
import { formatPrefix } from "../model/cidr.ts";
import type { Prefix } from "../model/model.ts";
import { addBits, type Bitmap, createBitmap, noBits, setBit } from "./bitmap.ts";
import { fail, type ProofContext, type ProofFailure, proveBits } from "./prove-bits.ts";
import type { Bits, CompiledPrefix, PolicySide } from "./types.ts";

/** A node of the tree that entries and rules' prefixes make together. */
interface Node {
  readonly prefix: Prefix;
  /** The entry that stands here. */
  readonly entry: Bits | null;
  /** The rules that name this very prefix. */
  readonly rules: Bitmap | null;
}

/** A node on the way down: what the rules ask for there, and what a look-up that ends there finds. */
interface Covering {
  readonly prefix: Prefix;
  readonly expected: Bitmap;
  readonly found: Bits;
}

/**
 * Walks the tree of all prefixes, of entries and of rules. The addresses of a node that none of its children has
 * are looked up alike (the entry here, or the nearest above) and match the same rules (those of the prefixes here
 * and above); so one comparison at each node speaks for every address.
 */
export function provePrefixes(
  context: ProofContext,
  side: PolicySide,
  entries: readonly CompiledPrefix[],
  kind: "remote" | "local",
): ProofFailure | null {
  const wanted = kind === "remote" ? nameRemotes(context, side) : nameLocals(context, side);
  const held = entries
    .filter(({ direction, local }) => direction === context.direction && local === (kind === "local"))
    .map(({ prefix, bits }): Node => ({ prefix, entry: bits, rules: null }));
  const nodes = [...held, ...wanted].sort((a, b) => compareNodes(a.prefix, b.prefix));
  const path: Covering[] = [];
  for (let index = 0; index < nodes.length; ) {
    const equal = takeEqual(nodes, index);
    index += equal.length;
    const failure = visitNode(context, kind, path, equal);
    if (failure !== null) {
      return failure;
    }
  }
  return null;
}

function takeEqual(nodes: readonly Node[], start: number): Node[] {
  const equal: Node[] = [];
  const first = nodes[start];
  for (let node = first, index = start; node !== undefined; node = nodes[++index]) {
    if (first !== undefined && compareNodes(first.prefix, node.prefix) !== 0) {
      break;
    }
    equal.push(node);
  }
  return equal;
}

function visitNode(
  context: ProofContext,
  kind: "remote" | "local",
  path: Covering[],
  equal: readonly Node[],
): ProofFailure | null {
  const prefix = equal[0]?.prefix;
  if (prefix === undefined) {
    return null;
  }
  for (let top = path.at(-1); top !== undefined && !contains(top.prefix, prefix); top = path.at(-1)) {
    path.pop();
  }
  const where = () =>
    isWellFormed(prefix)
      ? formatPrefix(prefix)
      : `IPv${prefix.family} ${prefix.bits.toString(16)}/${prefix.length}`;
  const held = equal.flatMap(({ entry }) => (entry === null ? [] : [entry]));
  if (held.length > 1) {
    return fail(context, kind, null, `${where()} has ${held.length} entries`);
  }
  if (!isWellFormed(prefix)) {
    return fail(context, kind, null, `${where()} is no prefix: bits beyond its length are set`);
  }
  const above = path.at(-1);
  const expected = above?.expected.slice() ?? createBitmap(context.stride);
  for (const { rules } of equal) {
    if (rules !== null) {
      addBits(expected, rules);
    }
  }
  const found = held[0] ?? above?.found ?? noBits;
  path.push({ prefix, expected, found });
  return found.flags === 0
    ? proveBits(context, kind, found, expected, where)
    : fail(context, kind, null, `${where()} carries flags ${found.flags}`);
}

function nameRemotes({ stride }: ProofContext, side: PolicySide): Node[] {
  // A list that many rules name is one array: its prefixes are walked once.
  const byArray = new Map<readonly Prefix[], Bitmap>();
  for (const { number, remote } of side.rules) {
    if (remote.kind === "prefixes") {
      const rules = byArray.get(remote.prefixes) ?? createBitmap(stride);
      setBit(rules, number);
      byArray.set(remote.prefixes, rules);
    }
  }
  return [...byArray].flatMap(([prefixes, rules]) =>
    prefixes.map((prefix) => ({ prefix, entry: null, rules })),
  );
}

function nameLocals({ stride }: ProofContext, side: PolicySide): Node[] {
  const anywhere = createBitmap(stride);
  const nodes = ([4, 6] as const).map(
    (family): Node => ({ prefix: { family, bits: 0n, length: 0 }, entry: null, rules: anywhere }),
  );
  for (const { number, rule } of side.rules) {
    if (rule.local === null) {
      setBit(anywhere, number);
    } else {
      const rules = createBitmap(stride);
      setBit(rules, number);
      nodes.push({ prefix: rule.local, entry: null, rules });
    }
  }
  return nodes;
}

function widthOf(prefix: Prefix): number {
  return prefix.family === 4 ? 32 : 128;
}

function isWellFormed(prefix: Prefix): boolean {
  const rest = widthOf(prefix) - prefix.length;
  return prefix.length >= 0 && rest >= 0 && (prefix.bits >> BigInt(rest)) << BigInt(rest) === prefix.bits;
}

function contains(outer: Prefix, inner: Prefix): boolean {
  const rest = BigInt(widthOf(outer) - outer.length);
  return (
    outer.family === inner.family && outer.length <= inner.length && outer.bits >> rest === inner.bits >> rest
  );
}

function compareNodes(a: Prefix, b: Prefix): number {
  if (a.family !== b.family) {
    return a.family - b.family;
  }
  if (a.bits === b.bits) {
    return a.length - b.length;
  }
  return a.bits < b.bits ? -1 : 1;
}
