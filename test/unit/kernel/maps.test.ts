import { expect, it } from "vitest";
import { findWords } from "../../../src/kernel/maps.ts";

it("finds the words that are not 0, by any of their bytes", () => {
  const bytes = new Uint8Array(4 + 8 * 10).subarray(4);
  expect([...findWords(bytes)]).toEqual([]);
  for (let byte = 0; byte < 8; byte++) bytes[8 * (byte + 1) + byte] = byte + 1;
  expect([...findWords(bytes)]).toEqual(
    Array.from({ length: 8 }, (_, byte) => [byte + 1, BigInt(byte + 1) << BigInt(8 * byte)]),
  );
});
