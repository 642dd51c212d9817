/**
 * Packets that open sessions, aimed at rules: one that a rule matches, at the ends of its ranges and prefixes,
 * or one that fails by a single step beyond one of them.
 */
import type { Address, Direction, Interface, Model, PortRange, Prefix, Rule } from "../../src/model/model.ts";
import { isLoopback, isMapped, isMulticast, sameAddress } from "../../src/policy/oracle/address.ts";
import type { GroupRule, Question } from "../../src/policy/rules.ts";
import type { Random } from "./random.ts";
import { worldTime } from "./world-rules.ts";

export interface WorldQuestion extends Question {
  readonly direction: Direction;
  /** Seconds of UTC. */
  readonly time: number;
}

/** An interface that is asked, and what questions are made of. */
export interface Target {
  readonly own: Interface;
  /** The rules of its groups, both directions and nicTypes. */
  readonly rules: readonly GroupRule[];
  readonly model: Model;
  /** Of members of its network, and a few that nobody holds. */
  readonly far: Readonly<Record<4 | 6, readonly Address[]>>;
  /** Of the members of each group. */
  readonly members: ReadonlyMap<string, readonly Address[]>;
}

export interface AimedQuestion {
  readonly question: WorldQuestion;
  /** The rule that it was made for. */
  readonly aim: GroupRule;
}

/** What is put together before it is known to be a packet. */
type Draft = { -readonly [K in keyof WorldQuestion]: WorldQuestion[K] };

const widths = { 4: 32n, 6: 128n } as const;

function lastOf({ family, bits, length }: Prefix): bigint {
  return bits | ((1n << (widths[family] - BigInt(length))) - 1n);
}

function within(random: Random, prefix: Prefix): Address {
  const { family, bits } = prefix;
  const last = lastOf(prefix);
  const inside = bits | (random.bits(128) & (last - bits));
  return { family, bits: random.pick([bits, last, inside]) };
}

/** The address before a prefix, or behind it; in the other family where there is none. */
function beyond(random: Random, prefix: Prefix): Address {
  const { family, bits } = prefix;
  const end = 1n << widths[family];
  const [before, behind] = [bits - 1n, lastOf(prefix) + 1n];
  const choice = [before, behind].filter((value) => value >= 0n && value < end);
  return choice.length === 0
    ? { family: family === 4 ? 6 : 4, bits: random.bits(32) }
    : { family, bits: random.pick(choice) };
}

function portIn(random: Random, range: PortRange | null): number {
  if (range === null) return random.pick([0, 1, 22, 80, 443, 1024, 65535, random.below(65536)]);
  return random.pick([range.first, range.last, random.between(range.first, range.last)]);
}

function portBeyond(random: Random, range: PortRange): number {
  return range.last === 65535 || random.once(2) ? range.first - 1 : range.last + 1;
}

const protocols = [6, 17, 6, 17, 1, 58, 47, 50, 112, 132, 255, 0];

function familyFor(random: Random, { model }: Target, { remote, local, protocol }: Rule): 4 | 6 {
  if (remote.kind === "prefix") return remote.prefix.family;
  if (remote.kind === "prefix-list") return model.prefixLists.get(remote.list)?.family ?? 4;
  if (protocol === "icmp") return 4;
  return protocol === "icmpv6" ? 6 : (local?.family ?? random.pick([4, 6]));
}

function remoteFor(random: Random, target: Target, { remote }: Rule, family: 4 | 6): Address {
  const anyone = (): Address => random.pick(target.far[family]);
  switch (remote.kind) {
    case "prefix":
      return within(random, remote.prefix);
    case "prefix-list": {
      const entries = target.model.prefixLists.get(remote.list)?.entries ?? [];
      return entries.length === 0 ? anyone() : within(random, random.pick(entries).prefix);
    }
    case "group": {
      const members = (target.members.get(remote.group) ?? []).filter((one) => one.family === family);
      return members.length === 0 ? anyone() : random.pick(members);
    }
    default: {
      const never: never = remote;
      return never;
    }
  }
}

/** An address of its own; one that is nobody's only where anti-spoofing lets it be. */
function localFor(random: Random, { own }: Target, rule: Rule, draft: Draft): Address {
  const { family } = draft.remote;
  const listed = own.addresses.filter((one) => one.family === family);
  const free = !own.antiSpoofing || draft.direction === "ingress";
  if (free && rule.local?.family === family) return within(random, rule.local);
  return listed.length > 0 ? random.pick(listed) : { family, bits: family === 4 ? 0x0a_00_00_4dn : 0x4dn };
}

const isPorted = (protocol: number): boolean => protocol === 6 || protocol === 17;
const isIcmp = (protocol: number, family: 4 | 6): boolean => protocol === (family === 4 ? 1 : 58);

/** The fields that a packet of this protocol and family has; the others are null. */
function settle(random: Random, rule: Rule, draft: Draft): Draft {
  const { protocol, remote } = draft;
  const ported = isPorted(protocol);
  const icmp = isIcmp(protocol, remote.family);
  return {
    ...draft,
    sourcePort: ported ? (draft.sourcePort ?? portIn(random, rule.sourcePorts)) : null,
    destinationPort: ported ? (draft.destinationPort ?? portIn(random, rule.ports)) : null,
    icmpType: icmp ? (draft.icmpType ?? rule.icmpType ?? random.pick([0, 3, 8, 128, 129])) : null,
    icmpCode: icmp ? (draft.icmpCode ?? rule.icmpCode ?? random.pick([0, 1, 4])) : null,
  };
}

const anyTimes = [-2, -1, -0.001, 0, 0.5, 1, 39.5, 40, 41, 3600].map((seconds) => worldTime + seconds);

/** What the rule matches, if its remote has a member or an entry. */
function draftFor(random: Random, target: Target, rule: Rule): Draft {
  const family = familyFor(random, target, rule);
  const { direction, expires } = rule;
  const draft: Draft = {
    direction,
    time: expires === null ? random.pick(anyTimes) : expires - random.pick([1, 0.001, 0.5]),
    remote: remoteFor(random, target, rule, family),
    local: { family, bits: 0n },
    protocol: rule.protocolNumber ?? random.pick(protocols),
    sourcePort: null,
    destinationPort: null,
    icmpType: null,
    icmpCode: null,
  };
  return settle(random, rule, { ...draft, local: localFor(random, target, rule, draft) });
}

type Step = (random: Random, target: Target, rule: Rule, draft: Draft) => Draft;

function stepRemote(random: Random, target: Target, { remote }: Rule, draft: Draft): Draft {
  const { family } = draft.remote;
  if (remote.kind === "group") return { ...draft, remote: random.pick(target.far[family]) };
  const prefixes =
    remote.kind === "prefix"
      ? [remote.prefix]
      : (target.model.prefixLists.get(remote.list)?.entries.map(({ prefix }) => prefix) ?? []);
  if (prefixes.length === 0) return draft;
  const away = beyond(random, random.pick(prefixes));
  return away.family === family ? { ...draft, remote: away } : draft;
}

const stepPorts: Step = (random, _, { ports }, draft) =>
  ports === null || draft.destinationPort === null
    ? draft
    : { ...draft, destinationPort: portBeyond(random, ports) };

const stepSourcePorts: Step = (random, _, { sourcePorts }, draft) =>
  sourcePorts === null || draft.sourcePort === null
    ? draft
    : { ...draft, sourcePort: portBeyond(random, sourcePorts) };

const stepIcmp: Step = (random, _, { icmpType, icmpCode }, draft) => {
  if (icmpType === null || draft.icmpType === null) return draft;
  const next = (value: number): number => (value + random.pick([1, 255])) % 256;
  return icmpCode !== null && random.once(2)
    ? { ...draft, icmpCode: next(icmpCode) }
    : { ...draft, icmpType: next(icmpType) };
};

/** Ports, types and codes stay as they were where the other protocol has them. */
const stepProtocol: Step = (random, _, rule, draft) => {
  const { family } = draft.remote;
  const siblings = isPorted(draft.protocol)
    ? [6, 17]
    : rule.icmpType === null && isIcmp(draft.protocol, family)
      ? [1, 58]
      : [draft.protocol ^ 1, 132, 51];
  return settle(random, rule, { ...draft, protocol: random.pick(siblings) });
};

const stepLocal: Step = (random, { own }, { local }, draft) => {
  const free = !own.antiSpoofing || draft.direction === "ingress";
  if (local === null || !free) return draft;
  const away = beyond(random, local);
  return away.family === draft.local.family ? { ...draft, local: away } : draft;
};

const stepTime: Step = (random, _, { expires }, draft) =>
  expires === null ? draft : { ...draft, time: expires + random.pick([0, 0.001, 1]) };

const stepDirection: Step = (_random, _, rule, draft) => ({
  ...draft,
  direction: rule.direction === "egress" ? "ingress" : "egress",
});

/** The steps that a rule gives a reason for: each leaves it by one of its fields. */
function stepsOf(rule: Rule): Step[] {
  return [
    stepRemote,
    stepDirection,
    ...(rule.protocolNumber === null ? [] : [stepProtocol]),
    ...(rule.ports === null ? [] : [stepPorts]),
    ...(rule.sourcePorts === null ? [] : [stepSourcePorts]),
    ...(rule.icmpType === null ? [] : [stepIcmp]),
    ...(rule.local === null ? [] : [stepLocal, stepLocal]),
    ...(rule.expires === null ? [] : [stepTime]),
  ];
}

/** Beyond the rules' say: what always works, what is malformed, what anti-spoofing refuses (semantics.md). */
export function isForRules({ own }: Target, draft: WorldQuestion): boolean {
  const { direction, remote, local, protocol, icmpType } = draft;
  const source = direction === "egress" ? local : remote;
  const never = [remote, local].some(isMapped) || isMulticast(source) || isLoopback(source);
  if (never || source.bits === 0n) return false;
  if (own.antiSpoofing && direction === "ingress" && own.addresses.some((one) => sameAddress(one, remote)))
    return false;
  if (own.antiSpoofing && direction === "egress" && own.addresses.length > 0) {
    if (!own.addresses.some((one) => sameAddress(one, local))) return false;
  }
  if (protocol === 2) return false;
  if (remote.family === 6 && [0, 43, 44, 60, 135, 139, 140].includes(protocol)) return false;
  if (protocol === 17 && [draft.sourcePort, draft.destinationPort].some(isDhcpPort)) return false;
  if (protocol === 1 && icmpType === 5) return false;
  return !(protocol === 58 && icmpType !== null && isNeighbourType(icmpType));
}

function isDhcpPort(port: number | null): boolean {
  return port !== null && [67, 68, 546, 547].includes(port);
}

/** Multicast listener and neighbour discovery. */
function isNeighbourType(type: number): boolean {
  return (type >= 130 && type <= 137) || type === 143;
}

/** A question for one of the interface's rules: a hit, or, as often, a step off it. */
export function aimQuestion(random: Random, target: Target): AimedQuestion {
  for (;;) {
    const aim = random.pick(target.rules);
    const hit = draftFor(random, target, aim.rule);
    const draft = random.once(2) ? hit : random.pick(stepsOf(aim.rule))(random, target, aim.rule, hit);
    if (isForRules(target, draft)) return { question: draft, aim };
  }
}
