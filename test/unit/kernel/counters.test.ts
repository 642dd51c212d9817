import { expect, it } from "vitest";
import { type CounterMaps, readCounters } from "../../../src/kernel/counters.ts";
import { Limit } from "../../../src/kernel/layout.gen.ts";

/** A map's values: pairs of packets and bytes, one for each CPU. */
const mapOf = (words: readonly bigint[]) => ({
  getRun: () => new Uint8Array(BigUint64Array.from(words).buffer),
});

it("what the programs remember beside a count is no part of it", () => {
  const cpus = 2;
  const none = new Array<bigint>(Limit.COUNTERS_PER_INTERFACE * cpus * 2).fill(0n);
  const strange = 1n << 63n;
  // Egress: of one CPU three packets, of the other none. Ingress: none.
  const passed = [3n, strange | 180n, 0n, strange, 0n, strange, 0n, 0n];
  const maps = { counters: mapOf(none), passed: mapOf(passed) } as unknown as CounterMaps;
  expect(readCounters(maps, 0, "eni-1")).toEqual([
    {
      interface: "eni-1",
      direction: "egress",
      verdict: "accept",
      reason: "session",
      packets: 3n,
      bytes: 180n,
    },
  ]);
});
