/** The control of floods: what would be if interfaces had no tables of sessions of their own. */
import { indexKey, joinBytes } from "../../src/kernel/maps.ts";
import type { BpfMap } from "../../src/kernel/native.ts";

/** Puts the tables of interface `number` at all `numbers`. `arrays`: rw_opening, rw_answered, rw_established. */
export async function shareTables(
  arrays: readonly BpfMap[],
  number: number,
  numbers: readonly number[],
): Promise<void> {
  for (const array of arrays) {
    const table = array.getInner(indexKey(number));
    if (table === undefined) throw new Error(`${array.info.name} has no table at ${number}`);
    await array.setInnersAsync(
      joinBytes(numbers.map(indexKey)),
      numbers.map(() => table),
    );
    table.close();
  }
}
