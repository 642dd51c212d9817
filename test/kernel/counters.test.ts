/** What the programs count, by CPU, and what is told of it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { clearNumber, readAllCounters, readCounters } from "../../src/kernel/counters.ts";
import { CountersStruct, Limit } from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { native } from "../../src/kernel/native.ts";
import type { PacketCounter } from "../../src/kernel/status.ts";
import { Survey } from "../../src/kernel/survey.ts";
import { EngineBed } from "./engine-bed.ts";

const cpus = native().possibleCpus();
let bed: EngineBed;
let survey: Survey;
beforeAll(async () => {
  bed = await EngineBed.open();
  survey = new Survey("build/ringwall.bpf.o", bed.maps.counters);
});
afterAll(() => {
  bed.close();
  survey.close();
});

const wordsEach = CountersStruct.SIZE / 8;
/** (direction * 2 + accepted) * REASONS_MAX + reason. */
const placeOf = (direction: number, accepted: number, reason: number) =>
  (direction * 2 + accepted) * Limit.REASONS_MAX + reason;

/** Counts `packets` on each CPU in turn, one more on the next, 100 bytes each. */
function count(number: number, place: number, packets: bigint): void {
  const words = new BigUint64Array(
    (bed.maps.counters.get(indexKey(number)) ?? new Uint8Array()).slice().buffer,
  );
  for (let cpu = 0; cpu < cpus; cpu++) {
    const each = packets + BigInt(cpu);
    words.set([each, each * 100n], cpu * wordsEach + place * 2);
  }
  bed.maps.counters.set(indexKey(number), new Uint8Array(words.buffer));
}

function pass(number: number, direction: number, packets: bigint): void {
  const words = BigUint64Array.from(Array.from({ length: cpus }, () => [packets, packets * 100n]).flat());
  bed.maps.passed.set(indexKey(number * 2 + direction), new Uint8Array(words.buffer));
}

const sumFrom = (packets: bigint) => packets * BigInt(cpus) + BigInt((cpus * (cpus - 1)) / 2);
const told = (counters: readonly PacketCounter[]) =>
  counters
    .map(
      (each) =>
        `${each.interface} ${each.direction} ${each.verdict} ${each.reason} ${each.packets} ${each.bytes}`,
    )
    .sort();
const line = (what: string, packets: bigint) => `${what} ${packets} ${packets * 100n}`;

it("tells of each interface its own counters, the CPUs' together, alike however they are read, and zeroes one's alone", () => {
  const last = bed.maps.counters.maxEntries - 1;
  const interfaces = [
    ["eni-1", 1],
    ["eni-2", 2],
    ["eni-last", last],
  ] as const;
  count(1, placeOf(0, 0, 1), 5n);
  count(1, placeOf(1, 1, 1), 2n ** 40n);
  count(2, placeOf(1, 0, 3), 7n);
  // Nobody has this number: an interface that left.
  count(3, placeOf(0, 0, 1), 9n);
  count(last, placeOf(1, 1, Limit.REASONS_MAX - 1), 11n);
  pass(2, 1, 13n);
  const read = (by: Pick<Survey, "counters">) => told(readAllCounters(bed.maps, interfaces, by));
  const ofTwo = [
    line("eni-2 ingress accept session", 13n * BigInt(cpus)),
    line("eni-2 ingress drop related", sumFrom(7n)),
  ];
  const all = read(survey);
  expect(all).toEqual(expect.arrayContaining(ofTwo));
  expect(all).toContain(line("eni-1 egress drop rule", sumFrom(5n)));
  expect(all).toContain(line("eni-1 ingress accept rule", sumFrom(2n ** 40n)));
  expect(all).toHaveLength(5);
  expect(survey.counters()).not.toBeNull();
  expect(read({ counters: () => null })).toEqual(all);
  const one = () => told(readCounters(bed.maps, 2, "eni-2"));
  expect(one()).toEqual(ofTwo);
  clearNumber(bed.maps, 1, cpus);
  expect(read(survey)).toEqual(all.filter((each) => !each.startsWith("eni-1 ")));
  expect(one()).toEqual(ofTwo);
});
