/**
 * What an interface may send from: address pairs, and listed addresses beyond those that its record holds. A look-up of
 * rw_owned sees the longest prefix only, so each entry has the flags of all that cover it.
 */
import type { Prefix } from "../model/model.ts";

export interface Claim {
  readonly mac: bigint;
  readonly prefix: Prefix;
  /** enum owned_flag. */
  readonly flags: number;
}

/** Flags of one MAC and family, by length, by the bits of the prefix's network. */
type Lengths = Map<number, Map<bigint, number>>;

function networkBits({ family, bits }: Prefix, length: number): bigint {
  return bits >> BigInt((family === 4 ? 32 : 128) - length);
}

/**
 * Each claim with the flags of all claims of its MAC that cover it. A claim asks once for each length that there is, not
 * each other claim: a guest's pairs have no limit of their own, and are the guest's owner's to write.
 */
export function coverClaims(claims: readonly Claim[]): readonly Claim[] {
  const sets = new Map<string, Lengths>();
  const setOf = ({ mac, prefix: { family } }: Claim): Lengths => {
    const key = `${family} ${mac}`;
    const set = sets.get(key) ?? new Map();
    sets.set(key, set);
    return set;
  };
  for (const claim of claims) {
    const { length } = claim.prefix;
    const set = setOf(claim);
    const networks = set.get(length) ?? new Map<bigint, number>();
    const bits = networkBits(claim.prefix, length);
    set.set(length, networks.set(bits, (networks.get(bits) ?? 0) | claim.flags));
  }
  return claims.map((claim) => {
    let flags = 0;
    for (const [length, networks] of setOf(claim)) {
      if (length <= claim.prefix.length) flags |= networks.get(networkBits(claim.prefix, length)) ?? 0;
    }
    return { ...claim, flags };
  });
}
