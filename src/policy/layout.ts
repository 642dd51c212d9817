/**
 * The numbers of bpf/include/layout.h that the compiler speaks. The policy room imports nothing of the kernel
 * room, so they stand here; test/unit/policy/layout.test.ts holds them equal to the header.
 */

/** enum limit */
export const rulesPerSide = 4096;

/** enum service: ICMP in IPv6 or ICMPv6 in IPv4, which only `all` matches. */
export const serviceOtherFamily = 1 << 24;

/** enum bits_flag */
export const bitsFlag = {
  innerAccess: 1,
  innerAccessEnforced: 2,
} as const;

/** enum side_flag */
export const sideFlag = {
  prefixes: 1,
  groups: 2,
  locals: 4,
  sourcePorts: 8,
  expires: 16,
  defaultAccept: 32,
  observes: 64,
  defaultAcceptEnforced: 128,
} as const;
