/** From ordered rules to what the kernel's maps hold. Pure and deterministic: equal sources give equal bytes. */
import type { Direction, Prefix } from "../model/model.ts";
import { type Bitmap, createBitmap, setBit, strideOf, WordPool } from "./bitmap.ts";
import { digestContent } from "./content.ts";
import { compileGroups, type IdentityIndex, indexIdentities } from "./groups.ts";
import { compileIntervals } from "./intervals.ts";
import { rulesPerSide, sideFlag } from "./layout.ts";
import { compilePrefixes, type PrefixSource, wholeIpv4, wholeIpv6 } from "./prefixes.ts";
import {
  expiryInterval,
  secondsEnd,
  serviceEnd,
  serviceInterval,
  sourcePortEnd,
  sourcePortInterval,
} from "./service.ts";
import type {
  CompiledGroup,
  CompiledPolicy,
  CompiledPrefix,
  CompiledSide,
  Identity,
  OrderedRule,
  PolicySide,
  PolicySource,
  Resolved,
} from "./types.ts";

/**
 * One policy, for the identities that have members (Resolved.identities).
 * @throws Error when a side has more than 4,096 rules
 */
export function compile(
  source: PolicySource,
  identities: ReadonlyMap<Identity, readonly string[]>,
): CompiledPolicy {
  return compilePolicy(source, indexIdentities(identities));
}

/** What was compiled of an earlier model. */
export interface CompiledBefore {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
}

/**
 * Every policy of this host, by key. The identities are indexed once. `before`: what it has of the same source, for the
 * same identities, is taken over.
 */
export function compileAll(
  resolved: Resolved,
  before: CompiledBefore | null = null,
): ReadonlyMap<bigint, CompiledPolicy> {
  const kept = before?.resolved.identities === resolved.identities ? before.policies : null;
  const index = indexIdentities(resolved.identities);
  return new Map(
    [...resolved.policies].map(([key, source]) => {
      const known = kept?.get(key);
      return [key, known?.source === source ? known : compilePolicy(source, index)];
    }),
  );
}

interface Part {
  readonly side: CompiledSide;
  readonly prefixes: readonly CompiledPrefix[];
  readonly groups: readonly CompiledGroup[];
}

function compilePolicy(source: PolicySource, index: IdentityIndex): CompiledPolicy {
  const pool = new WordPool();
  // Both sides' masks first: they have their place at the head of the words.
  const masks = {
    egress: storeMasks(source, "egress", pool),
    ingress: storeMasks(source, "ingress", pool),
  };
  const egress = compileSide(source, source.sides.egress, masks.egress, index, pool);
  const ingress = compileSide(source, source.sides.ingress, masks.ingress, index, pool);
  const compiled = {
    source,
    words: pool.words(),
    prefixes: [...egress.prefixes, ...ingress.prefixes],
    groups: [...egress.groups, ...ingress.groups],
    sides: { egress: egress.side, ingress: ingress.side },
  };
  return { ...compiled, content: digestContent(compiled) };
}

type Masks = Pick<CompiledSide, "acceptsBase" | "enforcedBase" | "enforcedWords">;

function storeMasks(source: PolicySource, direction: Direction, pool: WordPool): Masks {
  const { rules, observes } = source.sides[direction];
  if (rules.length > rulesPerSide) {
    throw new Error(
      `interfaces in ${source.groups.join(", ")} have ${rules.length} ${direction} rules, at most ${rulesPerSide} fit: ` +
        "put fewer groups together, or prefixes of several rules into a prefix list",
    );
  }
  const stride = strideOf(rules.length);
  const acceptsBase = pool.append(markRules(rules, ({ rule }) => rule.policy === "accept"));
  if (observes) {
    pool.append(markRules(rules, ({ enforced }) => enforced));
  }
  return { acceptsBase, enforcedBase: acceptsBase + stride, enforcedWords: observes ? stride : 0 };
}

function compileSide(
  source: PolicySource,
  side: PolicySide,
  masks: Masks,
  index: IdentityIndex,
  pool: WordPool,
): Part {
  const { direction } = side;
  const rules = side.rules.map(({ rule }) => rule);
  const stride = strideOf(rules.length);
  const uses = {
    locals: rules.some((rule) => rule.local !== null),
    sourcePorts: rules.some((rule) => rule.sourcePorts !== null),
    expires: rules.some((rule) => rule.expires !== null),
  };
  const remotes = compilePrefixes(collectRemotes(side), stride, pool);
  const locals = uses.locals ? compilePrefixes(collectLocals(side), stride, pool) : [];
  const groups = compileGroups(source, side, index, pool);
  return {
    side: {
      flags: composeFlags(side, { ...uses, prefixes: remotes.length > 0, groups: groups.length > 0 }),
      rules: rules.length,
      service: compileIntervals(rules.map(serviceInterval), serviceEnd, pool),
      sourcePort: uses.sourcePorts
        ? compileIntervals(rules.map(sourcePortInterval), sourcePortEnd, pool)
        : [],
      expires: uses.expires ? compileIntervals(rules.map(expiryInterval), secondsEnd, pool) : [],
      ...masks,
    },
    prefixes: [
      ...remotes.map((entry) => ({ direction, local: false, ...entry })),
      ...locals.map((entry) => ({ direction, local: true, ...entry })),
    ],
    groups,
  };
}

type Uses = Readonly<Record<"prefixes" | "groups" | "locals" | "sourcePorts" | "expires", boolean>>;

function composeFlags(side: PolicySide, uses: Uses): number {
  return (
    (uses.prefixes ? sideFlag.prefixes : 0) |
    (uses.groups ? sideFlag.groups : 0) |
    (uses.locals ? sideFlag.locals : 0) |
    (uses.sourcePorts ? sideFlag.sourcePorts : 0) |
    (uses.expires ? sideFlag.expires : 0) |
    (side.defaultAccept ? sideFlag.defaultAccept : 0) |
    (side.observes ? sideFlag.observes : 0) |
    (side.defaultAcceptEnforced ? sideFlag.defaultAcceptEnforced : 0)
  );
}

function markRules(rules: readonly OrderedRule[], picks: (rule: OrderedRule) => boolean): Bitmap {
  const bitmap = createBitmap(strideOf(rules.length));
  for (const rule of rules) {
    if (picks(rule)) {
      setBit(bitmap, rule.number);
    }
  }
  return bitmap;
}

/** Rules that share an array of prefixes (a prefix list) are one source: a list is walked once, not once a rule. */
function collectRemotes(side: PolicySide): PrefixSource[] {
  const sources = new Map<readonly Prefix[], PrefixSource>();
  const stride = strideOf(side.rules.length);
  for (const { number, remote } of side.rules) {
    if (remote.kind === "prefixes") {
      const { prefixes } = remote;
      const source = sources.get(prefixes) ?? { prefixes, rules: createBitmap(stride) };
      sources.set(prefixes, source);
      setBit(source.rules, number);
    }
  }
  return [...sources.values()];
}

/** A rule without a local prefix matches every local address, also one that no other entry covers. */
function collectLocals(side: PolicySide): PrefixSource[] {
  const stride = strideOf(side.rules.length);
  const everywhere = { prefixes: [wholeIpv4, wholeIpv6], rules: createBitmap(stride) };
  const sources: PrefixSource[] = [everywhere];
  for (const { number, rule } of side.rules) {
    if (rule.local === null) {
      setBit(everywhere.rules, number);
    } else {
      const source = { prefixes: [rule.local], rules: createBitmap(stride) };
      setBit(source.rules, number);
      sources.push(source);
    }
  }
  return sources;
}
