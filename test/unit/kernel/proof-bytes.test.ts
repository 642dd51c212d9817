import { describe, expect, it } from "vitest";
import {
  BitsStruct,
  CellStruct,
  GroupKeyStruct,
  PolicyStruct,
  PrefixKeyStruct,
} from "../../../src/kernel/layout.gen.ts";
import type { HeldPolicy } from "../../../src/kernel/policy-decode.ts";
import { encodePolicy } from "../../../src/kernel/policy-entries.ts";
import { proveHeld } from "../../../src/kernel/proof.ts";
import { createSubject } from "../policy/prove-mutations.ts";

const { resolved, source, compiled } = createSubject();
const version = 5;
const encoded = encodePolicy(compiled, version, { cells: 1000, words: 2000 });

/** What the maps would hold. */
function hold(): HeldPolicy {
  return {
    version,
    header: encoded.stored.header,
    cells: encoded.cells.slice(),
    words: encoded.words.slice(),
    prefixes: {
      count: compiled.prefixes.length,
      keys: encoded.prefixKeys.slice(),
      values: encoded.prefixValues.slice(),
    },
    groups: {
      count: encoded.groupCount,
      keys: encoded.groupKeys.slice(),
      values: encoded.groupValues.slice(),
    },
  };
}

/** Turns a bit of each byte in turn; the places where that was not refused. */
function listSurvivors(bytesOf: (held: HeldPolicy) => Uint8Array): number[] {
  const survivors: number[] = [];
  const { length } = bytesOf(hold());
  expect(length).toBeGreaterThan(0);
  for (let place = 0; place < length; place++) {
    const held = hold();
    const bytes = bytesOf(held);
    bytes[place] = (bytes[place] ?? 0) ^ (1 << (place % 8));
    if (proveHeld(source, resolved.identities, held) === null) survivors.push(place);
  }
  return survivors;
}

/** Where no word is named, the base is never read. `base`, `summary`: their offsets. */
function expectUnread(survivors: readonly number[], values: Uint8Array, base: number, summary: number): void {
  const view = new DataView(values.buffer, values.byteOffset, values.byteLength);
  for (const place of survivors) {
    const start = place - (place % 16);
    expect(place - start).toBeGreaterThanOrEqual(base);
    expect(place - start).toBeLessThan(base + 4);
    expect(view.getBigUint64(start + summary, true)).toBe(0n);
  }
}

/** The header with bytes of its own, read when it is proven. */
function turnHeader(place: number, bit: number): HeldPolicy {
  const bytes = PolicyStruct.encode(encoded.stored.header);
  bytes[place] = (bytes[place] ?? 0) ^ bit;
  return { ...hold(), header: PolicyStruct.decode(bytes) };
}

describe("the proof of bytes that the kernel holds", () => {
  it("finds nothing wrong with what was encoded", () => {
    expect(proveHeld(source, resolved.identities, hold())).toBeNull();
  });

  it("refuses every byte turned of every cell", () => {
    expectUnread(
      listSurvivors(({ cells }) => cells),
      encoded.cells,
      4,
      8,
    );
    expect(encoded.cells.length).toBeGreaterThan(50 * CellStruct.SIZE);
  });

  it("refuses every byte turned of what prefixes and sets of groups find", () => {
    expectUnread(
      listSurvivors(({ prefixes }) => prefixes.values),
      encoded.prefixValues,
      8,
      0,
    );
    expectUnread(
      listSurvivors(({ groups }) => groups.values),
      encoded.groupValues,
      8,
      0,
    );
    expect(encoded.groupValues.length).toBeGreaterThan(BitsStruct.SIZE);
  });

  it("refuses every byte turned of the keys, but those that no look-up compares", () => {
    expect(listSurvivors(({ groups }) => groups.keys)).toEqual([]);
    // Of an IPv4 prefix the address is four bytes.
    const ignored = listSurvivors(({ prefixes }) => prefixes.keys);
    for (const place of ignored) {
      const entry = compiled.prefixes[Math.floor(place / PrefixKeyStruct.SIZE)];
      expect(entry?.prefix.family).toBe(4);
      expect(place % PrefixKeyStruct.SIZE).toBeGreaterThanOrEqual(12);
    }
    expect(encoded.groupKeys.length).toBeGreaterThan(GroupKeyStruct.SIZE);
  });

  it("refuses every byte turned of the header's sides, but where a side has no such dimension", () => {
    // key and content are compared, not proven; the ranges behind them say what is read.
    const sidesAt = 40;
    const names = ["flags", "rules", "service", "serviceCells", "sourcePort", "sourcePortCells"].concat([
      "expires",
      "expiresCells",
      "accepts",
      "enforced",
      "enforcedWords",
      "zero",
    ]);
    const survivors = new Set<string>();
    for (let place = sidesAt; place < PolicyStruct.SIZE; place++) {
      for (const bit of [1, 0x10, 0x80]) {
        if (proveHeld(source, resolved.identities, turnHeader(place, bit)) !== null) continue;
        const side = place < sidesAt + 48 ? "egress" : "ingress";
        survivors.add(`${side} ${names[Math.floor(((place - sidesAt) % 48) / 4)]}`);
      }
    }
    // Egress has no rule with source ports or expiry, so nothing reads those cells; and its one rule drops, which
    // any word of zeros says. enforced and flags are read, and refused.
    const unread = ["sourcePort", "sourcePortCells", "expires", "expiresCells", "accepts", "zero"];
    expect([...survivors].filter((name) => !unread.some((field) => name === `egress ${field}`))).toEqual([
      "ingress zero",
    ]);
  });

  it("refuses entries that stand under another version", () => {
    const other = encodePolicy(compiled, version + 1, { cells: 1000, words: 2000 });
    const count = compiled.prefixes.length;
    const prefixes = { count, keys: other.prefixKeys, values: other.prefixValues };
    expect(proveHeld(source, resolved.identities, { ...hold(), prefixes })).toMatch(
      /under version 6 instead of 5/,
    );
    const groups = { count: other.groupCount, keys: other.groupKeys, values: other.groupValues };
    expect(proveHeld(source, resolved.identities, { ...hold(), groups })).toMatch(/under version 6, side/);
  });
});
