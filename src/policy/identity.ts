/** Identities of sets of groups, keys of policies, and the address that a MAC makes. */
import type { Address, Mac, NicType } from "../model/model.ts";
import { digest64 } from "./digest.ts";
import type { Identity } from "./types.ts";

/** No identity: the address belongs to no interface and is no gateway. */
export const noIdentity: Identity = 0n;

/** The identity of an address that is known, but whose interface stands for no group (a gateway, an internet interface). */
export const emptyIdentity: Identity = digest64(["identity"]);

/** The identity of a set of groups of one network; the order of `groups` does not matter. */
export function identityOf(network: string, groups: Iterable<string>): Identity {
  const sorted = sortIds(groups);
  return sorted.length === 0 ? emptyIdentity : digest64(["identity", network, ...sorted]);
}

/** PolicySource.key: one for each network, nic type and set of groups. */
export function policyKeyOf(network: string, nicType: NicType, groups: Iterable<string>): bigint {
  return digest64(["policy", network, nicType, ...sortIds(groups)]);
}

/** Ids once each, by code unit: the same order under every locale. */
export function sortIds(ids: Iterable<string>): string[] {
  const sorted = [...new Set(ids)];
  return sorted.length < 2 ? sorted : sorted.sort(compareIds);
}

export function compareIds(a: string, b: string): number {
  if (a === b) {
    return 0;
  }
  return a < b ? -1 : 1;
}

/** The link-local address that a MAC makes (RFC 4291, appendix A: universal bit inverted, ff:fe in the middle). */
export function linkLocalOf(mac: Mac): Address {
  const upper = (mac >> 24n) ^ 0x020000n;
  const lower = mac & 0xffffffn;
  return { family: 6, bits: (0xfe80n << 112n) | (upper << 40n) | (0xfffen << 24n) | lower };
}
