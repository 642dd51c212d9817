/** Faults that a compiler of rules may have, each put in as a change of what is compiled. */
import type { Group, Interface, Model, Rule } from "../../../src/model/model.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { wholeIpv4 } from "../../../src/policy/prefixes.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type {
  CompiledPolicy,
  OrderedRule,
  PolicySide,
  PolicySource,
  Resolved,
} from "../../../src/policy/types.ts";

export interface Compiled {
  readonly resolved: Resolved;
  readonly policies: ReadonlyMap<bigint, CompiledPolicy>;
}

export interface Mutant {
  readonly name: string;
  compile(model: Model): Compiled;
}

export function compileRight(model: Model): Compiled {
  const resolved = resolve(model, { host: "here" });
  return { resolved, policies: compileAll(resolved) };
}

const mapValues = <K, V>(map: ReadonlyMap<K, V>, change: (value: V) => V): Map<K, V> =>
  new Map([...map].map(([key, value]) => [key, change(value)]));

const ofModel = (name: string, change: (model: Model) => Model): Mutant => ({
  name,
  compile: (model) => compileRight(change(model)),
});

const ofGroups = (name: string, change: (group: Group) => Group): Mutant =>
  ofModel(name, (model) => ({ ...model, groups: mapValues(model.groups, change) }));

const ofRules = (name: string, change: (rule: Rule) => Rule): Mutant =>
  ofGroups(name, (group) => ({ ...group, rules: group.rules.map(change) }));

const ofInterfaces = (name: string, change: (own: Interface) => Interface): Mutant =>
  ofModel(name, (model) => ({ ...model, interfaces: mapValues(model.interfaces, change) }));

const ofResolved = (name: string, change: (resolved: Resolved) => Resolved): Mutant => ({
  name,
  compile: (model) => {
    const resolved = change(resolve(model, { host: "here" }));
    return { resolved, policies: compileAll(resolved) };
  },
});

const ofSides = (
  name: string,
  change: (side: PolicySide, source: PolicySource, model: Model) => PolicySide,
) =>
  ofResolved(name, (resolved) => ({
    ...resolved,
    policies: mapValues(resolved.policies, (source) => ({
      ...source,
      sides: {
        egress: change(source.sides.egress, source, resolved.model),
        ingress: change(source.sides.ingress, source, resolved.model),
      },
    })),
  }));

const sortedBy = (name: string, compare: (a: OrderedRule, b: OrderedRule) => number): Mutant =>
  ofSides(name, (side) => ({
    ...side,
    rules: [...side.rules].sort(compare).map((rule, number) => ({ ...rule, number })),
  }));

const priority = (a: OrderedRule, b: OrderedRule): number => a.rule.priority - b.rule.priority;
const acceptFirst = (a: OrderedRule, b: OrderedRule): number =>
  Number(a.rule.policy === "drop") - Number(b.rule.policy === "drop");
const lengthOf = ({ rule }: OrderedRule): number =>
  rule.remote.kind === "prefix" ? rule.remote.prefix.length : 129;

const orders: readonly Mutant[] = [
  sortedBy("accept first at equal priority", (a, b) => priority(a, b) || acceptFirst(a, b)),
  sortedBy("the longest prefix wins", (a, b) => lengthOf(b) - lengthOf(a)),
  sortedBy("the longest prefix wins among equals", (a, b) => priority(a, b) || lengthOf(b) - lengthOf(a)),
  sortedBy("the largest priority wins", (a, b) => priority(b, a)),
  sortedBy("the first group wins", (a, b) => (a.group < b.group ? -1 : Number(a.group > b.group))),
  ofRules("the default rules' priority taken for a custom one", (rule) =>
    rule.priority === 110 ? { ...rule, priority: 1 } : rule,
  ),
];

const dimensions: readonly Mutant[] = [
  ofRules("a port range one too long", (rule) =>
    rule.ports === null
      ? rule
      : { ...rule, ports: { ...rule.ports, last: Math.min(rule.ports.last + 1, 65535) } },
  ),
  ofRules("a port range that begins one too late", (rule) =>
    rule.ports === null || rule.ports.first === rule.ports.last
      ? rule
      : { ...rule, ports: { ...rule.ports, first: rule.ports.first + 1 } },
  ),
  ofRules("source ports not asked", (rule) => ({ ...rule, sourcePorts: null })),
  ofRules("local prefixes not asked", (rule) => ({ ...rule, local: null })),
  ofRules("ICMP codes not asked", (rule) => ({ ...rule, icmpCode: null })),
  ofRules("a rule that lives a second too long", (rule) =>
    rule.expires === null ? rule : { ...rule, expires: rule.expires + 1 },
  ),
  ofRules("expiry not asked", (rule) => ({ ...rule, expires: null })),
  ofRules("a prefix one bit too short", ({ remote, ...rule }) =>
    remote.kind === "prefix" && remote.prefix.length === (remote.prefix.family === 4 ? 32 : 128)
      ? { ...rule, remote: { kind: "prefix", prefix: shorten(remote.prefix) } }
      : { ...rule, remote },
  ),
  ofSides("a list without entries taken for everywhere", (side) => ({
    ...side,
    rules: side.rules.map((one) =>
      one.rule.remote.kind === "prefix-list" &&
      one.remote.kind === "prefixes" &&
      one.remote.prefixes.length === 0
        ? { ...one, remote: { kind: "prefixes", prefixes: [wholeIpv4] } }
        : one,
    ),
  })),
  ofModel("the last entry of a list lost", (model) => ({
    ...model,
    // The last one repeats the first: the one before it.
    prefixLists: mapValues(model.prefixLists, (list) => ({ ...list, entries: list.entries.slice(0, -2) })),
  })),
];

function shorten<P extends { readonly family: 4 | 6; readonly bits: bigint; readonly length: number }>(
  prefix: P,
): P {
  return { ...prefix, bits: (prefix.bits >> 1n) << 1n, length: prefix.length - 1 };
}

const members: readonly Mutant[] = [
  ofResolved("link-local addresses of members lost", (resolved) => ({
    ...resolved,
    addresses: resolved.addresses.filter(
      ({ address: { family, bits } }) => family === 4 || bits >> 118n !== 0x3fan,
    ),
  })),
  ofResolved("members of networks with equal addresses mixed", (resolved) => ({
    ...resolved,
    addresses: resolved.addresses.map((one) => ({
      ...one,
      network: one.network === "vpc-a" ? "vpc-b" : "vpc-a",
    })),
  })),
  ofInterfaces("addresses of pairs taken for members'", (own) => ({
    ...own,
    addresses: [...own.addresses, ...own.allowedAddressPairs.map(({ prefix }) => prefix)],
  })),
  ofModel("members on other hosts forgotten", (model) => ({
    ...model,
    interfaces: new Map([...model.interfaces].filter(([, { hosts }]) => hosts.length === 0)),
  })),
  ofModel("a classic network taken for a VPC", (model) => ({
    ...model,
    networks: mapValues(model.networks, (network) => ({ ...network, type: "vpc" })),
  })),
];

const groups: readonly Mutant[] = [
  ofInterfaces("only the first group asked", (own) => ({ ...own, groups: own.groups.slice(0, 1) })),
  ofGroups("inner access forgotten", (group) => ({ ...group, innerAccess: "drop" })),
  ofGroups("inner access of every basic group", (group) => ({ ...group, innerAccess: "accept" })),
  ofSides("one group that accepts by default is enough", (side, source, model) => ({
    ...side,
    defaultAccept:
      side.direction === "egress" &&
      source.groups.some((id) => model.groups.get(id)?.defaultEgress === "accept"),
  })),
  ofGroups("groups that observe enforce", (group) => ({ ...group, mode: "enforce" })),
  ofSides("accepts of groups that observe do not count", (side) => ({
    ...side,
    rules: side.rules
      .filter(({ enforced, rule }) => enforced || rule.policy === "drop")
      .map((rule, number) => ({ ...rule, number })),
  })),
];

const words: readonly Mutant[] = [
  {
    name: "words of a bitmap beyond the first lost",
    compile: (model) => {
      const { resolved, policies } = compileRight(model);
      const cut = (policy: CompiledPolicy): CompiledPolicy => ({
        ...policy,
        prefixes: policy.prefixes.map((one) => ({
          ...one,
          bits: { ...one.bits, summary: one.bits.summary & 1n },
        })),
      });
      return { resolved, policies: mapValues(policies, cut) };
    },
  },
];

export const mutants: readonly Mutant[] = [...orders, ...dimensions, ...members, ...groups, ...words];
