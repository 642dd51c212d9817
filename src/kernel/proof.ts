/** Holds what the kernel has of a policy against the policy's rules: the door to policy/prove.ts. */
import { prove } from "../policy/prove.ts";
import type { Identity, PolicySource } from "../policy/types.ts";
import { decodePolicy, findMisplaced, type HeldPolicy } from "./policy-decode.ts";

/** Resolved.identities. */
export type Identities = ReadonlyMap<Identity, readonly string[]>;

/**
 * Null where a held policy decides every packet as its rules do. Else what is wrong, for people: whose policy, in
 * which direction and dimension, in which cell, and which rule as it is written.
 */
export function proveHeld(source: PolicySource, identities: Identities, held: HeldPolicy): string | null {
  const misplaced = findMisplaced(held);
  if (misplaced !== null) return `${describePolicy(source)}: ${misplaced}`;
  const failure = prove(source, identities, decodePolicy(source, held));
  if (failure === null) return null;
  const { direction, rule, message } = failure;
  const ordered = rule === null ? undefined : source.sides[direction].rules[rule];
  const named = ordered === undefined ? "" : `; rule ${rule} is ${describeRule(ordered.group, ordered.rule)}`;
  return `${describePolicy(source)}: ${message}${named}`;
}

function describePolicy({ groups, network, nicType }: PolicySource): string {
  return `the policy of ${groups.join(", ")} (${network}, ${nicType})`;
}

function describeRule(
  group: string,
  rule: { readonly index: number; readonly place: { readonly file: string; readonly line: number } | null },
): string {
  const place = rule.place === null ? "" : ` (${rule.place.file}:${rule.place.line})`;
  return `rule ${rule.index} of ${group}${place}`;
}
