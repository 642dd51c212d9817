/**
 * Why a packet was accepted or dropped: one list for kernel, metrics, events, commands and docs.
 * A reason's place is its number in the kernel (`enum reason`), so new ones go to the end.
 */
export const reasons = [
  "none",
  "rule",
  "session",
  "related",
  "inner-access",
  "default-egress",
  "no-rule",
  "default-drop",
  "spoofed-mac",
  "spoofed-address",
  "other-mac",
  "redirect",
  "source-route",
  "arp",
  "neighbour-discovery",
  "dhcp",
  "router-advertisement",
  "malformed",
  "fragment",
  "unsupported",
  "table-full",
  "not-ready",
  "revoked",
  "observed",
  "midstream",
  "rate-limit",
  "ether-type",
] as const;

export type Reason = (typeof reasons)[number];

/** The reason of a number that the kernel wrote. Throws a RangeError for one that this version does not know. */
export function reasonOf(number: number): Reason {
  const reason = reasons[number];
  if (reason === undefined) {
    throw new RangeError(`reason ${number} is unknown: program and agent are of different versions`);
  }
  return reason;
}
