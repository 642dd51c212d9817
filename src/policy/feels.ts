/** Which policies a change of members concerns. */
import type { Direction } from "../model/model.ts";
import { noBits } from "./bitmap.ts";
import { findGroupBits } from "./groups.ts";
import type { CompiledPolicy, Identity } from "./types.ts";

/**
 * Whether an address that goes from one identity to another meets other rules, or other inner access, on some
 * side of this policy. `noIdentity` stands for an address that is nobody's.
 *
 * The policy must be as `compile` made it, and either the one in force or the coming one: a policy whose
 * identities differ between the two has another content, and is switched without being asked.
 */
export function feels(policy: CompiledPolicy, before: Identity, after: Identity): boolean {
  return feelsOnSide(policy, "egress", before, after) || feelsOnSide(policy, "ingress", before, after);
}

function feelsOnSide(
  policy: CompiledPolicy,
  direction: Direction,
  before: Identity,
  after: Identity,
): boolean {
  const a = findGroupBits(policy, direction, before) ?? noBits;
  const b = findGroupBits(policy, direction, after) ?? noBits;
  // Equal bitmaps of a policy are stored once.
  return a.summary !== b.summary || a.base !== b.base || a.flags !== b.flags;
}
