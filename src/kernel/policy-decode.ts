/**
 * What the maps hold of one version of a policy, in the compiler's shape: the way back from policy-entries.ts,
 * written from layout.h alone, so that a mistake of the encoder is not repeated here.
 */
import type { Direction } from "../model/model.ts";
import type {
  Bits,
  Cell,
  CompiledGroup,
  CompiledPolicy,
  CompiledPrefix,
  CompiledSide,
  PolicySource,
} from "../policy/types.ts";
import {
  BitsStruct,
  CellStruct,
  Direction as DirectionNumber,
  GroupKeyStruct,
  type PolicySideStruct,
  type PolicyStruct,
  PrefixHead,
  PrefixKeyStruct,
} from "./layout.gen.ts";
import type { MapEntries } from "./maps.ts";

/** Bytes as they lie in the maps. */
export interface HeldPolicy {
  readonly version: number;
  readonly header: PolicyStruct;
  /** Of the runs that the header says are its own. */
  readonly cells: Uint8Array;
  readonly words: Uint8Array;
  readonly prefixes: MapEntries;
  readonly groups: MapEntries;
}

const directions: readonly Direction[] = ["egress", "ingress"];

/** Of struct prefix_key, read in place: there are thousands. The address is in network order. */
const headAt = 4;
const addressAt = 8;

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Says what lies where the programs do not look for it under this version, or where a later change may write; null:
 * nothing does.
 */
export function findMisplaced(held: HeldPolicy): string | null {
  return findMisplacedRun(held.header) ?? findMisplacedKey(held);
}

function findMisplacedRun({ cells, cellsCount, sides }: PolicyStruct): string | null {
  for (const [number, side] of sides.entries()) {
    const runs = [
      ["service", side.service, side.serviceCells],
      ["source port", side.sourcePort, side.sourcePortCells],
      ["expiry", side.expires, side.expiresCells],
    ] as const;
    for (const [name, first, count] of runs) {
      if (first >= cells && first + count <= cells + cellsCount) continue;
      const own = `${cellsCount} from ${cells}`;
      return `${directions[number]} ${name}: its ${count} cells from ${first} are not among the policy's own, ${own}`;
    }
  }
  return null;
}

function findMisplacedKey({ version, prefixes, groups }: HeldPolicy): string | null {
  const prefixView = viewOf(prefixes.keys);
  for (let index = 0; index < prefixes.count; index++) {
    const head = prefixView.getUint32(index * PrefixKeyStruct.SIZE + headAt, true);
    const other = head >>> PrefixHead.PREFIX_VERSION_SHIFT;
    if (other !== version) return `remote: a prefix stands under version ${other} instead of ${version}`;
  }
  const groupView = viewOf(groups.keys);
  for (let index = 0; index < groups.count; index++) {
    const { version: other, side } = GroupKeyStruct.read(groupView, index * GroupKeyStruct.SIZE);
    if (other !== version || directions[side] === undefined)
      return `groups: an identity stands under version ${other}, side ${side} instead of ${version}`;
  }
  return null;
}

/** `source`: what the policy is said to be compiled from; it is handed on. */
export function decodePolicy(source: PolicySource, held: HeldPolicy): CompiledPolicy {
  const { header } = held;
  const [egress, ingress] = header.sides;
  if (egress === undefined || ingress === undefined) throw new Error("a policy has two sides");
  return {
    source,
    content: [header.content[0] ?? 0n, header.content[1] ?? 0n],
    // A copy: 64-bit words have to be aligned.
    words: new BigUint64Array(held.words.slice().buffer),
    prefixes: decodePrefixes(held.prefixes, header.words),
    groups: decodeGroups(held.groups, header.words),
    sides: { egress: decodeSide(held, egress), ingress: decodeSide(held, ingress) },
  };
}

function decodeSide(held: HeldPolicy, side: PolicySideStruct): CompiledSide {
  const { words } = held.header;
  return {
    flags: side.flags,
    rules: side.rules,
    service: decodeCells(held, side.service, side.serviceCells),
    sourcePort: decodeCells(held, side.sourcePort, side.sourcePortCells),
    expires: decodeCells(held, side.expires, side.expiresCells),
    acceptsBase: side.accepts - words,
    enforcedBase: side.enforced - words,
    enforcedWords: side.enforcedWords,
  };
}

function decodeCells({ cells, header }: HeldPolicy, first: number, count: number): Cell[] {
  const view = viewOf(cells);
  const decoded: Cell[] = [];
  for (let index = 0; index < count; index++) {
    const {
      first: begin,
      base,
      summary,
    } = CellStruct.read(view, (first - header.cells + index) * CellStruct.SIZE);
    decoded.push({ first: begin, bits: { summary, base: base - header.words, flags: 0 } });
  }
  return decoded;
}

function decodeBits(values: DataView, index: number, words: number): Bits {
  const { summary, base, flags } = BitsStruct.read(values, index * BitsStruct.SIZE);
  return { summary, base: base - words, flags };
}

function decodePrefixes({ count, keys, values }: MapEntries, words: number): CompiledPrefix[] {
  const keyView = viewOf(keys);
  const valueView = viewOf(values);
  const decoded: CompiledPrefix[] = [];
  for (let index = 0; index < count; index++) {
    const { direction, local, prefix } = readPrefixKey(keyView, index * PrefixKeyStruct.SIZE);
    decoded.push({ direction, local, prefix, bits: decodeBits(valueView, index, words) });
  }
  return decoded;
}

/** What a key of rw_prefixes stands for. */
export function decodePrefixKey(key: Uint8Array): Omit<CompiledPrefix, "bits"> {
  return readPrefixKey(viewOf(key), 0);
}

function readPrefixKey(view: DataView, offset: number): Omit<CompiledPrefix, "bits"> {
  const prefixlen = view.getUint32(offset, true);
  const head = view.getUint32(offset + headAt, true);
  const isIpv6 = (head & PrefixHead.PREFIX_IPV6) !== 0;
  const address = offset + addressAt;
  return {
    direction: head & PrefixHead.PREFIX_INGRESS ? "ingress" : "egress",
    local: (head & PrefixHead.PREFIX_LOCAL) !== 0,
    prefix: {
      family: isIpv6 ? 6 : 4,
      bits: isIpv6
        ? (view.getBigUint64(address) << 64n) | view.getBigUint64(address + 8)
        : BigInt(view.getUint32(address)),
      length: prefixlen - PrefixHead.PREFIX_HEAD_BITS,
    },
  };
}

function decodeGroups({ count, keys, values }: MapEntries, words: number): CompiledGroup[] {
  const keyView = viewOf(keys);
  const valueView = viewOf(values);
  return Array.from({ length: count }, (_, index) => {
    const { side, identity } = GroupKeyStruct.read(keyView, index * GroupKeyStruct.SIZE);
    return {
      direction: side === DirectionNumber.INGRESS ? "ingress" : "egress",
      identity,
      bits: decodeBits(valueView, index, words),
    };
  });
}
