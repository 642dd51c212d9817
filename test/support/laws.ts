/**
 * Laws of the rules: what a change of a model does to its verdicts, whatever the model is. One judge can be held
 * against them, where a second one would make the same mistake.
 */
import type { Group, Interface, Model, Remote, Rule } from "../../src/model/model.ts";
import { group, model, rule } from "./bed.ts";
import type { Random } from "./random.ts";
import { worldRule } from "./world-rules.ts";

export interface Law {
  readonly name: string;
  change(model: Model, random: Random): Model;
  /** What holds of a packet's outcome before and after. */
  readonly holds: (before: Outcome, after: Outcome) => boolean;
  /** Who is asked after the change; left out: as before. */
  readonly renamed?: (interfaceId: string) => string;
}

export interface Outcome {
  readonly verdict: string;
  readonly reason: string;
}

const same = (before: Outcome, after: Outcome): boolean =>
  before.verdict === after.verdict && before.reason === after.reason;

/** Not the reason: an added rule may give what inner access gave. */
const neverLess = (before: Outcome, after: Outcome): boolean =>
  before.verdict !== "accept" || after.verdict === "accept";

const neverMore = (before: Outcome, after: Outcome): boolean =>
  before.verdict !== "drop" || after.verdict === "drop";

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, at: random.below(2 ** 32) }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}

function withRules(of: Group, rules: readonly Rule[]): Group {
  return { ...of, rules: rules.map((one, index) => ({ ...one, index })) };
}

function changeGroups(subject: Model, change: (group: Group) => Group): Model {
  return { ...subject, groups: new Map([...subject.groups].map(([id, one]) => [id, change(one)])) };
}

function shuffleAll(subject: Model, random: Random): Model {
  return model({
    networks: shuffled(random, [...subject.networks.values()]),
    prefixLists: shuffled(random, [...subject.prefixLists.values()]).map((list) => ({
      ...list,
      entries: shuffled(random, list.entries),
    })),
    groups: shuffled(random, [...subject.groups.values()]).map((one) =>
      withRules(one, shuffled(random, one.rules)),
    ),
    interfaces: shuffled(random, [...subject.interfaces.values()]).map((own) => ({
      ...own,
      addresses: shuffled(random, own.addresses),
      groups: shuffled(random, own.groups),
    })),
  });
}

/** Names that sort the other way round. */
function renameId(id: string): string {
  return id.replace(/\d+/g, (digits) => String(1_000_000 - Number(digits)));
}

/** Prefix lists keep their prefix, groups theirs, as ids must. */
const renameIn = {
  network: (id: string): string => `z-${id}`,
  group: (id: string): string => `sg-z${renameId(id).slice(3)}`,
  list: renameId,
  interface: (id: string): string => `z-${renameId(id)}`,
};

function renameRemote(remote: Remote): Remote {
  switch (remote.kind) {
    case "group":
      return { ...remote, group: renameIn.group(remote.group) };
    case "prefix-list":
      return { ...remote, list: renameIn.list(remote.list) };
    case "prefix":
      return remote;
    default:
      return remote satisfies never;
  }
}

function renameAll(subject: Model): Model {
  const renameInterface = (own: Interface): Interface => ({
    ...own,
    id: renameIn.interface(own.id),
    network: renameIn.network(own.network),
    groups: own.groups.map(renameIn.group),
  });
  return model({
    networks: [...subject.networks.values()].map((one) => ({ ...one, id: renameIn.network(one.id) })),
    prefixLists: [...subject.prefixLists.values()].map((one) => ({ ...one, id: renameIn.list(one.id) })),
    groups: [...subject.groups.values()].map((one) => ({
      ...one,
      id: renameIn.group(one.id),
      network: renameIn.network(one.network),
      rules: one.rules.map((each) => ({ ...each, remote: renameRemote(each.remote) })),
    })),
    interfaces: [...subject.interfaces.values()].map(renameInterface),
  });
}

function splitPrefix(one: Rule): Rule[] {
  const { remote } = one;
  if (remote.kind !== "prefix") return [one];
  const { family, bits, length } = remote.prefix;
  const width = family === 4 ? 32 : 128;
  if (length === width) return [one];
  const half = 1n << BigInt(width - length - 1);
  return [bits, bits | half].map((start) => ({
    ...one,
    remote: { kind: "prefix", prefix: { family, bits: start, length: length + 1 } },
  }));
}

function splitPorts(random: Random, one: Rule): Rule[] {
  const { ports } = one;
  if (ports === null || ports.first === ports.last) return [one];
  const middle = random.between(ports.first, ports.last - 1);
  return [
    { ...one, ports: { first: ports.first, last: middle } },
    { ...one, ports: { first: middle + 1, last: ports.last } },
  ];
}

/** A list's entries, each a rule of its own. */
function spellList(subject: Model, one: Rule): Rule[] {
  const { remote } = one;
  if (remote.kind !== "prefix-list") return [one];
  const entries = subject.prefixLists.get(remote.list)?.entries ?? [];
  return entries.map(({ prefix }) => ({ ...one, remote: { kind: "prefix", prefix } }));
}

const splitWith = (change: (rule: Rule, subject: Model, random: Random) => Rule[]): Law["change"] => {
  return (subject, random) =>
    changeGroups(subject, (one) =>
      withRules(
        one,
        one.rules.flatMap((each) => change(each, subject, random)),
      ),
    );
};

/** A rule of this policy into every group that may hold one. */
const addRules = (policy: Rule["policy"]): Law["change"] => {
  return (subject, random) => {
    const idsOf = (id: string): string[] =>
      [...subject.groups.values()].filter(({ network }) => network === id).map((one) => one.id);
    return changeGroups(subject, (one) => {
      if (one.type === "advanced" && policy === "drop") return one;
      const context = { network: one.network, groups: idsOf(one.network), isDefault: one.isDefault };
      const text = worldRule(random, { ...context, advanced: one.type === "advanced" });
      return withRules(one, [...one.rules, rule({ ...text, policy })]);
    });
  };
};

/** What a rule's copy in the same group, or in another of the same interface, can change. */
const copyRules: Law["change"] = (subject, random) =>
  changeGroups(subject, (one) => withRules(one, shuffled(random, [...one.rules, ...one.rules])));

/** A group beside those of each interface, that says nothing. */
const addEmptyGroup: Law["change"] = (subject) => {
  const emptyId = (own: Interface, advanced: boolean): string =>
    `sg-${own.network}-${advanced ? "none-adv" : "none"}`;
  const isAdvanced = (own: Interface): boolean =>
    own.groups.some((id) => subject.groups.get(id)?.type === "advanced");
  const made = [...subject.networks.keys()].flatMap((network) =>
    (["basic", "advanced"] as const).map((type) =>
      group(`sg-${network}-${type === "basic" ? "none" : "none-adv"}`, {
        network,
        type,
        innerAccess: "drop",
      }),
    ),
  );
  return model({
    networks: [...subject.networks.values()],
    prefixLists: [...subject.prefixLists.values()],
    groups: [...subject.groups.values(), ...made],
    interfaces: [...subject.interfaces.values()].map((own) =>
      // Beside groups that only observe, one that enforces would say no.
      own.groups.every((id) => subject.groups.get(id)?.mode === "observe")
        ? own
        : { ...own, groups: [...own.groups, emptyId(own, isAdvanced(own))] },
    ),
  });
};

export const laws: readonly Law[] = [
  { name: "the order in which anything is written changes nothing", change: shuffleAll, holds: same },
  {
    name: "other names of networks, groups, lists and interfaces change nothing",
    change: renameAll,
    holds: same,
    renamed: renameIn.interface,
  },
  { name: "a prefix in two halves changes nothing", change: splitWith(splitPrefix), holds: same },
  {
    name: "a port range in two changes nothing",
    change: splitWith((one, _, random) => splitPorts(random, one)),
    holds: same,
  },
  {
    name: "a list's entries as rules change nothing",
    change: splitWith((one, subject) => spellList(subject, one)),
    holds: same,
  },
  { name: "a copy of each rule changes nothing", change: copyRules, holds: same },
  { name: "a group that says nothing changes nothing", change: addEmptyGroup, holds: same },
  { name: "an added accept never drops", change: addRules("accept"), holds: neverLess },
  { name: "an added drop never accepts", change: addRules("drop"), holds: neverMore },
];
