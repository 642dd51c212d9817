/**
 * Interfaces that a change takes to another network. Addresses of different networks never mix, so no session is one of
 * the new network, and no DHCP server of the old one is known there.
 */
import { DhcpStruct } from "./layout.gen.ts";
import { indexKey } from "./maps.ts";
import type { ObjectMaps } from "./object-maps.ts";
import type { ChangePlan } from "./plan.ts";
import type { SessionTables } from "./sessions.ts";
import type { KnownState } from "./state.ts";

/** Their numbers. Asked before the change is carried out. */
export function findMoved(known: KnownState, { moves, records }: ChangePlan): readonly number[] {
  return [...moves].flatMap(([number, record]) => {
    const live = known.live.get(number);
    const before = live === undefined ? undefined : known.records.get(live)?.struct.network;
    return before === undefined || before === records.get(record)?.struct.network ? [] : [number];
  });
}

/** Forgets what each of these numbers remembers of packets. Throws what the kernel answers. */
export async function forgetMoved(
  numbers: readonly number[],
  { dhcp }: Pick<ObjectMaps, "dhcp">,
  tables: SessionTables,
): Promise<void> {
  for (const number of numbers) {
    await tables.flush(number);
    dhcp.set(indexKey(number), new Uint8Array(DhcpStruct.SIZE));
  }
}
