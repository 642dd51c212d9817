/** Proof of the prefix dimensions: for every address, the longest entry says what all prefixes of the rules say. */
import { formatPrefix } from "../model/cidr.ts";
import type { Prefix } from "../model/model.ts";
import { addBits, type Bitmap, createBitmap, noBits, setBit } from "./bitmap.ts";
import { fail, type ProofContext, type ProofFailure, proveBits } from "./prove-bits.ts";
import type { Bits, CompiledPrefix, PolicySide } from "./types.ts";

/** A node of the tree that entries and rules' prefixes make together. */
interface Node {
  readonly prefix: Prefix;
  /** Where the walk comes to it: exact for IPv4; of IPv6, behind all IPv4, the upper 48 bits. */
  readonly order: number;
  /** The entry that stands here. */
  readonly entry: Bits | null;
  readonly named: Named | null;
}

/** Rules that name a prefix: one, by its number, or several. */
type Named = number | Bitmap;

/** A node on the way down: what the rules ask for there, and what a look-up that ends there finds. */
interface Covering {
  readonly node: Node;
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
  const nodes = kind === "remote" ? nameRemotes(context, side) : nameLocals(context, side);
  for (const { direction, local, prefix, bits } of entries) {
    if (direction === context.direction && local === (kind === "local"))
      nodes.push(makeNode(prefix, bits, null));
  }
  for (const { prefix } of nodes) {
    if (!isWellFormed(prefix))
      return fail(context, kind, null, `${describe(prefix)} is no prefix: bits beyond its length are set`);
  }
  nodes.sort(compareNodes);
  return walk(context, kind, nodes);
}

function walk(context: ProofContext, kind: "remote" | "local", nodes: readonly Node[]): ProofFailure | null {
  const path: Covering[] = [];
  /** One for each place on the way down: most nodes have nothing below them. */
  const bitmaps: Bitmap[] = [];
  for (let index = 0; index < nodes.length; ) {
    const first = nodes[index] as Node;
    leavePassed(path, first);
    const above = path.at(-1);
    const expected = bitmaps[path.length] ?? createBitmap(context.stride);
    bitmaps[path.length] = expected;
    if (above === undefined) expected.fill(0);
    else expected.set(above.expected);
    let entry: Bits | null = null;
    for (let node: Node | undefined = first; node !== undefined; node = nodes[++index]) {
      if (node !== first && compareNodes(first, node) !== 0) break;
      if (typeof node.named === "number") setBit(expected, node.named);
      else if (node.named !== null) addBits(expected, node.named);
      if (node.entry !== null && entry !== null)
        return fail(context, kind, null, `${describe(first.prefix)} has more than one entry`);
      entry ??= node.entry;
    }
    const found = entry ?? above?.found ?? noBits;
    path.push({ node: first, expected, found });
    const where = () => describe(first.prefix);
    const failure =
      found.flags === 0
        ? proveBits(context, kind, found, expected, where)
        : fail(context, kind, null, `${where()} carries flags ${found.flags}`);
    if (failure !== null) return failure;
  }
  return null;
}

/** Leaves the nodes that do not cover this one. */
function leavePassed(path: Covering[], node: Node): void {
  for (let top = path.at(-1); top !== undefined && !covers(top.node, node); top = path.at(-1)) path.pop();
}

function describe(prefix: Prefix): string {
  return isWellFormed(prefix)
    ? formatPrefix(prefix)
    : `IPv${prefix.family} ${prefix.bits.toString(16)}/${prefix.length}`;
}

function nameRemotes({ stride }: ProofContext, side: PolicySide): Node[] {
  // A list that many rules name is one array: its prefixes are walked once.
  const byArray = new Map<readonly Prefix[], Named>();
  for (const { number, remote } of side.rules) {
    if (remote.kind !== "prefixes") continue;
    const before = byArray.get(remote.prefixes);
    byArray.set(remote.prefixes, before === undefined ? number : addRule(before, number, stride));
  }
  const nodes: Node[] = [];
  for (const [prefixes, named] of byArray)
    for (const prefix of prefixes) nodes.push(makeNode(prefix, null, named));
  return nodes;
}

function addRule(before: Named, number: number, stride: number): Bitmap {
  const rules = typeof before === "number" ? createBitmap(stride) : before;
  if (typeof before === "number") setBit(rules, before);
  setBit(rules, number);
  return rules;
}

function nameLocals({ stride }: ProofContext, side: PolicySide): Node[] {
  const anywhere = createBitmap(stride);
  const nodes = ([4, 6] as const).map((family) => makeNode({ family, bits: 0n, length: 0 }, null, anywhere));
  for (const { number, rule } of side.rules) {
    if (rule.local === null) {
      setBit(anywhere, number);
    } else {
      nodes.push(makeNode(rule.local, null, number));
    }
  }
  return nodes;
}

/** Lengths of IPv4 fit below this. */
const lengths = 64;
const firstIpv6 = 2 ** 48;
/** Of IPv6 so many bits are not in a node's order. */
const lowerIpv6 = 80n;

function makeNode(prefix: Prefix, entry: Bits | null, named: Named | null): Node {
  const { family, bits, length } = prefix;
  const order = family === 4 ? Number(bits) * lengths + length : firstIpv6 + Number(bits >> lowerIpv6);
  return { prefix, order, entry, named };
}

function isWellFormed({ family, bits, length }: Prefix): boolean {
  if (family === 4) return length >= 0 && length <= 32 && Number(bits) % 2 ** (32 - length) === 0;
  return length >= 0 && length <= 128 && BigInt.asUintN(128 - length, bits) === 0n;
}

/** Whether a node that does not come later in the walk covers another. */
function covers({ prefix, order }: Node, inner: Node): boolean {
  if (prefix.family === 4) return inner.order < order - prefix.length + 2 ** (32 - prefix.length) * lengths;
  return inner.prefix.bits >> BigInt(128 - prefix.length) === prefix.bits >> BigInt(128 - prefix.length);
}

/** A prefix stands before all that it covers. */
function compareNodes(a: Node, b: Node): number {
  if (a.order !== b.order || a.prefix.family === 4) return a.order - b.order;
  if (a.prefix.bits === b.prefix.bits) return a.prefix.length - b.prefix.length;
  return a.prefix.bits < b.prefix.bits ? -1 : 1;
}
