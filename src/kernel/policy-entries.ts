/** A compiled policy as entries of the kernel's maps, and back. */
import type { Direction } from "../model/model.ts";
import type { Bits, Cell, CompiledPolicy, CompiledSide, PolicySource } from "../policy/types.ts";
import { trieBytes } from "./addresses.ts";
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
import type { StoredBits, StoredPolicy } from "./state.ts";

export interface EncodedPolicy {
  readonly version: number;
  /** What it was compiled from. */
  readonly source: PolicySource;
  readonly stored: StoredPolicy;
  /** Values of the runs that the header names. */
  readonly cells: Uint8Array;
  readonly words: Uint8Array;
  readonly prefixKeys: Uint8Array;
  readonly prefixValues: Uint8Array;
  readonly groupKeys: Uint8Array;
  readonly groupValues: Uint8Array;
  readonly groupCount: number;
}

const directions: readonly Direction[] = ["egress", "ingress"];

export function directionNumber(direction: Direction): 0 | 1 {
  return direction === "egress" ? DirectionNumber.EGRESS : DirectionNumber.INGRESS;
}

/** Places that a policy needs in rw_cells. */
export function cellsOf(compiled: CompiledPolicy): number {
  return directions.reduce((sum, direction) => sum + sideCells(compiled.sides[direction]).length, 0);
}

function sideCells(side: CompiledSide): readonly Cell[] {
  return [...side.service, ...side.sourcePort, ...side.expires];
}

/** Places: the first of its runs of rw_cells and rw_words. */
export function encodePolicy(
  compiled: CompiledPolicy,
  version: number,
  places: { readonly cells: number; readonly words: number },
): EncodedPolicy {
  const allCells = directions.flatMap((direction) => sideCells(compiled.sides[direction]));
  const ingressPlace = places.cells + sideCells(compiled.sides.egress).length;
  const header: PolicyStruct = {
    key: compiled.source.key,
    content: [...compiled.content],
    cells: places.cells,
    cellsCount: allCells.length,
    words: places.words,
    wordsCount: compiled.words.length,
    sides: [
      encodeSide(compiled.sides.egress, places.cells, places.words),
      encodeSide(compiled.sides.ingress, ingressPlace, places.words),
    ],
  };
  const prefixes = encodePrefixes(compiled, version, places.words);
  const groups = encodeGroups(compiled, version, places.words);
  return {
    version,
    source: compiled.source,
    stored: { header, prefixKeys: prefixes.keys.length > 0 ? [prefixes.keys] : [], groups: groups.stored },
    cells: encodeCells(allCells, places.words),
    words: new Uint8Array(compiled.words.buffer, compiled.words.byteOffset, compiled.words.byteLength),
    prefixKeys: prefixes.keys,
    prefixValues: prefixes.values,
    groupKeys: groups.keys,
    groupValues: groups.values,
    groupCount: compiled.groups.length,
  };
}

function encodeSide(side: CompiledSide, firstCell: number, firstWord: number): PolicySideStruct {
  const sourcePort = firstCell + side.service.length;
  return {
    flags: side.flags,
    rules: side.rules,
    service: firstCell,
    serviceCells: side.service.length,
    sourcePort,
    sourcePortCells: side.sourcePort.length,
    expires: sourcePort + side.sourcePort.length,
    expiresCells: side.expires.length,
    accepts: firstWord + side.acceptsBase,
    enforced: firstWord + side.enforcedBase,
    enforcedWords: side.enforcedWords,
  };
}

function absoluteBits(bits: Bits, firstWord: number): StoredBits {
  return { summary: bits.summary, base: bits.base + firstWord, flags: bits.flags };
}

function encodeCells(cells: readonly Cell[], firstWord: number): Uint8Array {
  const bytes = new Uint8Array(cells.length * CellStruct.SIZE);
  const view = new DataView(bytes.buffer);
  cells.forEach(({ first, bits }, index) => {
    const { summary, base } = absoluteBits(bits, firstWord);
    CellStruct.write(view, index * CellStruct.SIZE, { first, base, summary });
  });
  return bytes;
}

function encodePrefixes(compiled: CompiledPolicy, version: number, firstWord: number) {
  const keys = new Uint8Array(compiled.prefixes.length * PrefixKeyStruct.SIZE);
  const values = new Uint8Array(compiled.prefixes.length * BitsStruct.SIZE);
  const keyView = new DataView(keys.buffer);
  const valueView = new DataView(values.buffer);
  compiled.prefixes.forEach(({ direction, local, prefix, bits }, index) => {
    const head =
      ((version << PrefixHead.PREFIX_VERSION_SHIFT) |
        (prefix.family === 6 ? PrefixHead.PREFIX_IPV6 : 0) |
        (local ? PrefixHead.PREFIX_LOCAL : 0) |
        (direction === "ingress" ? PrefixHead.PREFIX_INGRESS : 0)) >>>
      0;
    const prefixlen = PrefixHead.PREFIX_HEAD_BITS + prefix.length;
    PrefixKeyStruct.write(keyView, index * PrefixKeyStruct.SIZE, {
      prefixlen,
      head,
      address: trieBytes(prefix),
    });
    BitsStruct.write(valueView, index * BitsStruct.SIZE, absoluteBits(bits, firstWord));
  });
  return { keys, values };
}

function encodeGroups(compiled: CompiledPolicy, version: number, firstWord: number) {
  const keys = new Uint8Array(compiled.groups.length * GroupKeyStruct.SIZE);
  const values = new Uint8Array(compiled.groups.length * BitsStruct.SIZE);
  const keyView = new DataView(keys.buffer);
  const valueView = new DataView(values.buffer);
  const stored: readonly [Map<bigint, StoredBits>, Map<bigint, StoredBits>] = [new Map(), new Map()];
  compiled.groups.forEach(({ direction, identity, bits }, index) => {
    const side = directionNumber(direction);
    const absolute = absoluteBits(bits, firstWord);
    GroupKeyStruct.write(keyView, index * GroupKeyStruct.SIZE, { version, side, identity });
    BitsStruct.write(valueView, index * BitsStruct.SIZE, absolute);
    stored[side].set(identity, absolute);
  });
  return { keys, values, stored };
}

/** Keys of rw_group_bits that a stored policy has. */
export function groupKeysOf(version: number, policy: StoredPolicy): Uint8Array {
  const count = policy.groups[0].size + policy.groups[1].size;
  const keys = new Uint8Array(count * GroupKeyStruct.SIZE);
  const view = new DataView(keys.buffer);
  let index = 0;
  policy.groups.forEach((groups, side) => {
    for (const identity of groups.keys()) {
      GroupKeyStruct.write(view, index++ * GroupKeyStruct.SIZE, { version, side, identity });
    }
  });
  return keys;
}

/** Whether a stored policy is what was compiled. */
export function isSamePolicy(header: PolicyStruct, compiled: CompiledPolicy): boolean {
  return (
    header.key === compiled.source.key &&
    header.content[0] === compiled.content[0] &&
    header.content[1] === compiled.content[1]
  );
}
