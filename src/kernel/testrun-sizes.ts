/** How large the maps of a test run are: as its model needs, not as a host may one day. */
import type { CompiledPolicy, Resolved } from "../policy/types.ts";
import { sizesFor } from "./object-maps.ts";

/**
 * A hash map's buckets (16 bytes each) are made when it is loaded, all of them: 112 MB in the four largest maps as they are
 * shipped, which takes longer than the programs' verification on a machine whose memory is given page by page.
 */
const leastEntries = 1 << 14;
/** For programs that judge nothing. */
export const leastSizes = {
  rw_group_bits: leastEntries,
  rw_identities: leastEntries,
  rw_uplinks: leastEntries,
  rw_listed: leastEntries,
} as const;
/** What a change writes stands beside what it replaces for a moment. */
const versions = 2;

const room = (entries: number): number => Math.max(leastEntries, versions * entries);

function total<T>(of: Iterable<T>, count: (one: T) => number): number {
  let sum = 0;
  for (const one of of) sum += count(one);
  return sum;
}

/** Entries by map's name. `interfaces`: numbers that there are room for, the reserved ones among them. */
export function testRunSizes(
  interfaces: number,
  { interfaces: own, addresses }: Resolved,
  policies: ReadonlyMap<bigint, CompiledPolicy>,
): Record<string, number> {
  const sources = own.map(({ interface: source }) => source);
  return {
    ...sizesFor(interfaces),
    rw_group_bits: room(total(policies.values(), ({ groups }) => groups.length)),
    rw_identities: room(addresses.length),
    rw_uplinks: room(total(sources, (source) => source.addresses.length)),
    rw_listed: room(
      total(
        sources,
        ({ vlans, etherTypes, allowedAddressPairs }) =>
          vlans.length + etherTypes.length + allowedAddressPairs.length,
      ),
    ),
  };
}
