/** Packets and bytes by interface, direction, verdict and reason. */
import { CounterStruct, DhcpStruct, Limit, Lost, RateStruct, Rates } from "./layout.gen.ts";
import { indexKey, indexKeys } from "./maps.ts";
import { reasonName } from "./names.ts";
import type { BpfMap } from "./native.ts";
import type { ObjectMaps } from "./object-maps.ts";
import type { LostEvents, PacketCounter } from "./status.ts";

const directions = ["egress", "ingress"] as const;
const verdicts = ["drop", "accept"] as const;

/** Sum over the CPUs of a per-CPU value of two 64-bit words. */
function sumCounter(bytes: Uint8Array): CounterStruct {
  let packets = 0n;
  let total = 0n;
  for (let offset = 0; offset < bytes.length; offset += CounterStruct.SIZE) {
    const one = CounterStruct.decode(bytes, offset);
    packets += one.packets;
    total += one.bytes;
  }
  return { packets, bytes: total };
}

/** Counters of one interface that are not zero. */
export function readCounters(
  counters: BpfMap,
  number: number,
  interfaceId: string,
): readonly PacketCounter[] {
  const found: PacketCounter[] = [];
  directions.forEach((direction, side) => {
    verdicts.forEach((verdict, accepted) => {
      for (let reason = 0; reason < Limit.REASONS_MAX; reason++) {
        const index = ((number * 2 + side) * 2 + accepted) * Limit.REASONS_MAX + reason;
        const bytes = counters.get(indexKey(index));
        if (bytes === undefined) continue;
        const sum = sumCounter(bytes);
        if (sum.packets === 0n) continue;
        found.push({ interface: interfaceId, direction, verdict, reason: reasonName(reason), ...sum });
      }
    });
  });
  return found;
}

/** Zeroes what a number counts and remembers, before another interface gets it. `cpus`: possible ones. */
export function clearNumber(
  maps: Pick<ObjectMaps, "counters" | "rates" | "dhcp">,
  number: number,
  cpus: number,
): void {
  const counters = Limit.COUNTERS_PER_INTERFACE;
  const zeroes = new Uint8Array(counters * CounterStruct.SIZE * cpus);
  maps.counters.setBatch(indexKeys(number * counters, counters), zeroes, counters);
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
