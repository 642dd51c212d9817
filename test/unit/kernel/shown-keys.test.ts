import fc from "fast-check";
import { expect, it } from "vitest";
import { SessionKeyStruct } from "../../../src/kernel/layout.gen.ts";
import { ShownKeys } from "../../../src/kernel/shown-keys.ts";
import { seed } from "../../support/seed.ts";

const blank = SessionKeyStruct.decode(new Uint8Array(SessionKeyStruct.SIZE));

/** Keys end to end, one for each port, at an offset that no word has. */
function tableOf(ports: readonly number[]): Uint8Array {
  const keys = new Uint8Array(1 + ports.length * SessionKeyStruct.SIZE).subarray(1);
  for (const [index, localPort] of ports.entries())
    keys.set(SessionKeyStruct.encode({ ...blank, localPort, protocol: 6 }), index * SessionKeyStruct.SIZE);
  return keys;
}

it("tells a key of any number of tables the first time only", () => {
  const ports = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 400 });
  fc.assert(
    fc.property(fc.array(ports, { maxLength: 3 }), (tables) => {
      const shown = new ShownKeys();
      const known = new Set<number>();
      for (const table of tables) {
        const isNew = shown.bring(tableOf(table));
        for (const [index, port] of table.entries()) {
          expect(isNew(index)).toBe(!known.has(port));
          known.add(port);
        }
      }
    }),
    { seed, numRuns: 100 },
  );
});

it("takes no key for shown that was brought and not asked about", () => {
  const shown = new ShownKeys();
  shown.bring(tableOf([1, 2]));
  expect(shown.bring(tableOf([2]))(0)).toBe(true);
});

it("tells keys apart by every byte", () => {
  const keys = new Uint8Array((1 + SessionKeyStruct.SIZE * 8) * SessionKeyStruct.SIZE);
  for (let bit = 0; bit < SessionKeyStruct.SIZE * 8; bit++)
    keys[(1 + bit) * SessionKeyStruct.SIZE + (bit >> 3)] = 1 << (bit & 7);
  const isNew = new ShownKeys().bring(keys);
  for (let index = 0; index < 1 + SessionKeyStruct.SIZE * 8; index++) expect(isNew(index)).toBe(true);
});
