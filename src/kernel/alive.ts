/** rw_alive: when two ends last had a session. The programs say so (bpf/include/alive.h); what is ended here says it, too. */
import { Alive, Limit } from "./layout.gen.ts";
import { indexKey } from "./maps.ts";
import type { BpfMap } from "./native.ts";

/** Where the ends of a session stand, by its key as the tables have it (ends_hash in C). */
export function alivePlace(key: Uint8Array): number {
  const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
  const word = (offset: number): bigint => view.getBigUint64(offset, true);
  const localPort = BigInt(view.getUint16(32, true));
  const local = BigInt.asUintN(64, (word(0) ^ word(8) ^ localPort) * 0x9e3779b97f4a7c15n);
  const ends = BigInt.asUintN(64, (local ^ word(16) ^ word(24)) * 0xff51afd7ed558ccdn);
  return Number(ends >> BigInt(64 - Limit.ALIVE_BITS));
}

/** Before a session of this key is revoked: an uplink would take its ends for strangers one day. */
export function noteRevoked(alive: BpfMap, key: Uint8Array): void {
  alive.set(indexKey(alivePlace(key)), indexKey(Alive.ALIVE_REVOKED));
}
