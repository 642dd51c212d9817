/**
 * Proof that compiled data says what its rules say, for all packets. A verdict is an AND over dimensions, so each
 * dimension can be checked alone: in every cell, bit i is set exactly when rule i matches there.
 *
 * It is meant for what was read back from the kernel, before the switch. So it takes entries in any order, shares
 * no sweep and no interval with the compiler, and holds words, summaries and ranges against what the programs
 * read. It does not look at `compiled.source` and `compiled.content`: what is proven needs no digest.
 */
import type { Direction } from "../model/model.ts";
import { createBitmap, setBit, strideOf, summarize, viewHalves } from "./bitmap.ts";
import { sideFlag } from "./layout.ts";
import { fail, type ProofContext, type ProofFailure, proveBits } from "./prove-bits.ts";
import { proveCells, spanSeconds, spanServices, spanSourcePorts } from "./prove-cells.ts";
import { listIdentities, proveGroups } from "./prove-groups.ts";
import { provePrefixes } from "./prove-prefixes.ts";
import type { CompiledPolicy, CompiledSide, Identity, OrderedRule, PolicySource } from "./types.ts";

export type { ProofFailure } from "./prove-bits.ts";

/**
 * Null when `compiled` decides every packet as the rules of `source` do.
 * @param identities the sets of groups that have members: Resolved.identities
 * @returns the first failure found otherwise
 */
export function prove(
  source: PolicySource,
  identities: ReadonlyMap<Identity, readonly string[]>,
  compiled: CompiledPolicy,
): ProofFailure | null {
  return (
    proveSide(source, identities, compiled, "egress") ?? proveSide(source, identities, compiled, "ingress")
  );
}

function proveSide(
  source: PolicySource,
  identities: ReadonlyMap<Identity, readonly string[]>,
  compiled: CompiledPolicy,
  direction: Direction,
): ProofFailure | null {
  const side = source.sides[direction];
  const held = compiled.sides[direction];
  const context: ProofContext = {
    direction,
    stride: strideOf(side.rules.length),
    halves: viewHalves(compiled.words),
  };
  const rules = side.rules.map(({ rule }) => rule);
  const expects = expectFlags(source, identities, direction);
  const uses = (flag: number) => (expects & flag) !== 0;
  return (
    proveFixed(context, source, held, expects) ??
    proveCells(context, "service", held.service, spanServices(rules)) ??
    (uses(sideFlag.sourcePorts)
      ? proveCells(context, "source-port", held.sourcePort, spanSourcePorts(rules))
      : null) ??
    (uses(sideFlag.expires) ? proveCells(context, "expires", held.expires, spanSeconds(rules)) : null) ??
    provePrefixes(context, side, compiled.prefixes, "remote") ??
    (uses(sideFlag.locals) ? provePrefixes(context, side, compiled.prefixes, "local") : null) ??
    proveGroups(context, source, identities, compiled.groups)
  );
}

/** enum side_flag, from the rules. */
function expectFlags(
  source: PolicySource,
  identities: ReadonlyMap<Identity, readonly string[]>,
  direction: Direction,
): number {
  const side = source.sides[direction];
  const concerns = new Set(source.innerGroups);
  let flags = 0;
  for (const { rule, remote } of side.rules) {
    flags |= rule.local === null ? 0 : sideFlag.locals;
    flags |= rule.sourcePorts === null ? 0 : sideFlag.sourcePorts;
    flags |= rule.expires === null ? 0 : sideFlag.expires;
    if (remote.kind === "group") {
      concerns.add(remote.group);
    } else {
      flags |= remote.prefixes.length === 0 ? 0 : sideFlag.prefixes;
    }
  }
  const identitiesOf = listIdentities(identities);
  flags |= [...concerns].some((group) => identitiesOf(group).length > 0) ? sideFlag.groups : 0;
  flags |= side.defaultAccept ? sideFlag.defaultAccept : 0;
  flags |= side.observes ? sideFlag.observes : 0;
  flags |= side.defaultAcceptEnforced ? sideFlag.defaultAcceptEnforced : 0;
  return flags;
}

/** What stands beside the dimensions: number of rules, flags, and which rules accept and which enforce. */
function proveFixed(
  context: ProofContext,
  source: PolicySource,
  held: CompiledSide,
  flags: number,
): ProofFailure | null {
  const { rules, observes } = source.sides[context.direction];
  if (held.rules !== rules.length) {
    return fail(context, "fixed", null, `has ${held.rules} rules instead of ${rules.length}`);
  }
  if (held.flags !== flags) {
    return fail(context, "fixed", null, `has flags ${held.flags} instead of ${flags}`);
  }
  const enforcedWords = observes ? context.stride : 0;
  if (held.enforcedWords !== enforcedWords) {
    return fail(
      context,
      "fixed",
      null,
      `has ${held.enforcedWords} enforced words instead of ${enforcedWords}`,
    );
  }
  return proveMasks(context, rules, held);
}

function proveMasks(
  context: ProofContext,
  rules: readonly OrderedRule[],
  { acceptsBase, enforcedBase, enforcedWords }: CompiledSide,
): ProofFailure | null {
  const accepts = proveMask(
    context,
    "the mask of accepts",
    acceptsBase,
    rules,
    ({ rule }) => rule.policy === "accept",
  );
  return accepts !== null || enforcedWords === 0
    ? accepts
    : proveMask(context, "the mask of enforcing rules", enforcedBase, rules, ({ enforced }) => enforced);
}

function proveMask(
  context: ProofContext,
  name: string,
  base: number,
  rules: readonly OrderedRule[],
  picks: (rule: OrderedRule) => boolean,
): ProofFailure | null {
  const expected = createBitmap(context.stride);
  for (const rule of rules.filter(picks)) {
    setBit(expected, rule.number);
  }
  // A mask is read without a summary: the one of what is stored says that every word counts.
  const stored = context.halves.subarray(2 * base, 2 * (base + context.stride));
  return stored.length < expected.length
    ? fail(context, "fixed", null, `${name} lies beyond the policy's own words`)
    : proveBits(context, "fixed", { summary: summarize(stored), base, flags: 0 }, expected, () => name);
}
