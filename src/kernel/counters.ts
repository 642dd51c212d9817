/** Packets and bytes by interface, direction, verdict and reason. */
import { CounterStruct, CountersStruct, DhcpStruct, Limit, Lost, RateStruct, Rates } from "./layout.gen.ts";
import { indexKey, indexKeys, unpackWord } from "./maps.ts";
import { reasonName } from "./names.ts";
import type { BpfMap } from "./native.ts";
import type { ObjectMaps } from "./object-maps.ts";
import type { LostEvents, PacketCounter } from "./status.ts";
import type { Survey } from "./survey.ts";

const directions = ["egress", "ingress"] as const;
const verdicts = ["drop", "accept"] as const;
/** 64-bit words of a struct counter. */
const counterWords = CounterStruct.SIZE / 8;

/** The 64-bit words of a map's values as they lie: host byte order. */
function wordsOf(bytes: Uint8Array): BigUint64Array {
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  return new BigUint64Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 8);
}

/** What is counted at a place of struct counters. */
function describePlace(place: number): Pick<PacketCounter, "direction" | "verdict" | "reason"> {
  return {
    direction: directions[Math.floor(place / Limit.REASONS_MAX / 2)] ?? "egress",
    verdict: verdicts[Math.floor(place / Limit.REASONS_MAX) % 2] ?? "drop",
    reason: reasonName(place % Limit.REASONS_MAX),
  };
}

/** Counters that are not zero; `seen`: all of those, of all numbers (Survey). Of numbers that are nobody's they are left out. */
export function describeSeen(
  seen: Uint8Array,
  interfaces: readonly (readonly [string, number])[],
): readonly PacketCounter[] {
  const holders = new Map(interfaces.map(([id, number]) => [number, id]));
  const words = wordsOf(seen);
  const found: PacketCounter[] = [];
  // struct counter_seen of bpf/survey.bpf.c.
  for (let word = 0; word < words.length; word += 3) {
    const [where = 0n, packets = 0n, bytes = 0n] = words.subarray(word, word + 3);
    const { low: number, high: place } = unpackWord(where);
    const id = holders.get(number);
    if (id === undefined) continue;
    found.push({ interface: id, ...describePlace(place), packets, bytes });
  }
  return found;
}

/** Maps that hold counters. */
export type CounterMaps = Pick<ObjectMaps, "counters" | "passed">;

/** A counter that is not zero, and where it stands in its value. */
interface Counted {
  readonly place: number;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** The bit above is no part of a count (COUNTER_STRANGE in C). */
const bytesBits = 63;

/** Of a run of values of `each` counters, a value for each CPU after the other: those that are not zero, all CPUs together. Most are zero, and cost no BigInt. */
function* eachCounted(run: Uint8Array, each: number, values: number): Generator<Counted> {
  const words = wordsOf(run);
  const halves = new Uint32Array(words.buffer, words.byteOffset, words.length * 2);
  const wordsEach = each * counterWords;
  const perValue = words.length / values;
  for (let value = 0; value < values; value++) {
    for (let place = 0; place < each; place++) {
      let packets = 0n;
      let bytes = 0n;
      const first = value * perValue + place * counterWords;
      for (let word = first; word < (value + 1) * perValue; word += wordsEach) {
        if (halves[word * 2] === 0 && halves[word * 2 + 1] === 0) continue;
        packets += words[word] ?? 0n;
        bytes += BigInt.asUintN(bytesBits, words[word + 1] ?? 0n);
      }
      if (packets !== 0n) yield { place: value * each + place, packets, bytes };
    }
  }
}

/** What went on with its session, which has a map of its own; of the numbers from `first` on, in their order. */
function readPassed(
  passed: BpfMap,
  first: number,
  ids: readonly (string | undefined)[],
): readonly PacketCounter[] {
  const count = ids.length * directions.length;
  const found: PacketCounter[] = [];
  for (const { place, ...counted } of eachCounted(
    passed.getRun(first * directions.length, count),
    1,
    count,
  )) {
    const id = ids[Math.floor(place / directions.length)];
    const direction = directions[place % directions.length];
    if (id !== undefined && direction !== undefined)
      found.push({ interface: id, direction, verdict: "accept", reason: "session", ...counted });
  }
  return found;
}

/** Counters of one interface that are not zero. */
export function readCounters(
  maps: CounterMaps,
  number: number,
  interfaceId: string,
): readonly PacketCounter[] {
  return [
    ...readOthers(maps.counters, number, interfaceId),
    ...readPassed(maps.passed, number, [interfaceId]),
  ];
}

function readOthers(counters: BpfMap, number: number, interfaceId: string): readonly PacketCounter[] {
  const found: PacketCounter[] = [];
  for (const { place, ...counted } of eachCounted(
    counters.getRun(number, 1),
    Limit.COUNTERS_PER_INTERFACE,
    1,
  ))
    found.push({ interface: interfaceId, ...describePlace(place), ...counted });
  return found;
}

/** Counters of all interfaces given that are not zero. */
export function readAllCounters(
  maps: CounterMaps,
  interfaces: readonly (readonly [string, number])[],
  survey: Pick<Survey, "counters">,
): readonly PacketCounter[] {
  const ids: (string | undefined)[] = Array.from({ length: maps.passed.info.maxEntries / directions.length });
  for (const [id, number] of interfaces) ids[number] = id;
  const passed = readPassed(maps.passed, 0, ids);
  const seen = survey.counters();
  if (seen !== null) return [...describeSeen(seen, interfaces), ...passed];
  return [...interfaces.flatMap(([id, number]) => readOthers(maps.counters, number, id)), ...passed];
}

/** Zeroes what a number counts and remembers, before another interface gets it. `cpus`: possible ones. */
export function clearNumber(
  maps: CounterMaps & Pick<ObjectMaps, "rates" | "dhcp">,
  number: number,
  cpus: number,
): void {
  maps.counters.set(indexKey(number), new Uint8Array(CountersStruct.SIZE * cpus));
  const ways = directions.length;
  maps.passed.setBatch(
    indexKeys(number * ways, ways),
    new Uint8Array(ways * CounterStruct.SIZE * cpus),
    ways,
  );
  const rates = Rates.RATES_PER_INTERFACE;
  maps.rates.setBatch(indexKeys(number * rates, rates), new Uint8Array(rates * RateStruct.SIZE), rates);
  maps.dhcp.set(indexKey(number), new Uint8Array(DhcpStruct.SIZE));
}

function sumWords(bytes: Uint8Array | undefined): bigint {
  if (bytes === undefined) return 0n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0n;
  for (let offset = 0; offset + 8 <= bytes.length; offset += 8) sum += view.getBigUint64(offset, true);
  return sum;
}

export function readLost(lost: BpfMap): LostEvents {
  return {
    full: sumWords(lost.get(indexKey(Lost.LOST_FULL))),
    rate: sumWords(lost.get(indexKey(Lost.LOST_RATE))),
  };
}
