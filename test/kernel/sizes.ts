/** How large a program may be, on every kernel. */

/** Instructions that the verifier walks; it gives up at a million. */
export const verifiedMost = 100_000;
/** Bytes of machine code. */
export const jitedMost = 52 * 1024;
