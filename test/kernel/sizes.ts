/** How large a program may be, on every kernel, and how large maps have to be for tests. */

/** Instructions that the verifier walks; it gives up at a million. */
export const verifiedMost = 100_000;
/** Bytes of machine code. */
export const jitedMost = 52 * 1024;

/**
 * Entries of the maps whose buckets are 112 MB as they are shipped: for the models of tests these are plenty, and half a second
 * sooner there on a machine that gets its memory page by page.
 */
export const smallMaps = {
  rw_group_bits: 1 << 16,
  rw_identities: 1 << 16,
  rw_listed: 1 << 16,
  rw_uplinks: 1 << 16,
} as const;
