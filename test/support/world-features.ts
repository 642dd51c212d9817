/**
 * Which features of the model a run of questions reached: each as a rule that accepted by it, as one that dropped
 * by it, and as one that failed to match by it and nothing else.
 */
import type { Interface, Model, Rule } from "../../src/model/model.ts";
import type { Verdict } from "../../src/policy/evaluate.ts";
import { isLinkLocal } from "../../src/policy/oracle/address.ts";
import { type GroupRule, mismatches, type RuleField } from "../../src/policy/rules.ts";
import type { AimedQuestion, Target } from "./world-questions.ts";

type Field = RuleField | "direction" | "nicType";

/** A feature that a rule has, and the field by which it can fail; null: it cannot. */
interface Feature {
  readonly name: string;
  readonly field: Field | null;
}

const protocolFields = ["tcp", "udp", "icmp", "icmpv6", "gre"] as const;

function remoteFeature({ remote }: Rule, model: Model): string {
  switch (remote.kind) {
    case "prefix":
      return `IPv${remote.prefix.family} prefix`;
    case "prefix-list":
      return `IPv${model.prefixLists.get(remote.list)?.family} prefix list`;
    case "group":
      return "group";
    default:
      return remote satisfies never;
  }
}

function protocolFeature({ protocol }: Rule): Feature {
  if (protocol === "all") return { name: "all protocols", field: null };
  const name = protocolFields.find((known) => known === protocol) ?? "protocol by number";
  return { name, field: "protocol" };
}

/** Every feature that a rule of an interface of the model uses. */
function featuresOf(rule: Rule, model: Model, own: Interface): Feature[] {
  const { protocol } = rule;
  const features: Feature[] = [
    { name: remoteFeature(rule, model), field: "remote" },
    { name: rule.direction, field: "direction" },
    protocolFeature(rule),
  ];
  const add = (name: string, field: Field | null): number => features.push({ name, field });
  if (rule.ports !== null) add(`${protocol} port range`, "portRange");
  if (rule.sourcePorts !== null) add(`${protocol} source port range`, "sourcePortRange");
  if (rule.icmpType !== null) add(`${protocol} type`, "icmpType");
  if (rule.icmpCode !== null) add(`${protocol} code`, "icmpCode");
  if (rule.local !== null) add(`local IPv${rule.local.family} prefix`, "local");
  if (rule.expires !== null) add("expires", "expires");
  if (model.networks.get(own.network)?.type === "classic") add(`${rule.nicType} rule`, "nicType");
  if (rule.template) add("template", null);
  if (rule.priority === 110) add("priority 110", null);
  return features;
}

/** What of a rule's group and interface stands behind a verdict. */
function contextOf({ own, model }: Target, { question }: AimedQuestion, verdict: Verdict): readonly string[] {
  const { remote } = question;
  const network = model.networks.get(own.network)?.type ?? "";
  const group = verdict.rule === null ? undefined : model.groups.get(verdict.rule.group);
  const many = own.groups.length;
  const named = group?.rules[verdict.rule?.index ?? -1]?.remote.kind === "group";
  const linkLocal = isLinkLocal(remote) && (named || verdict.reason === "inner-access");
  return [
    `IPv${remote.family}`,
    ...(linkLocal ? ["link-local member"] : []),
    `${network} network`,
    many === 1 ? "one group" : many > 4 ? "many groups" : "some groups",
    ...(group === undefined ? [] : [`${group.type} group`, ...(group.isDefault ? ["default group"] : [])]),
  ];
}

/** The fields by which an aimed rule did not match. */
function missesOf({ own, model }: Target, { aim, question }: AimedQuestion): readonly Field[] {
  const { rule } = aim;
  const classic = model.networks.get(own.network)?.type === "classic";
  return [
    ...mismatches(rule, { model, judged: own, question, now: question.time }),
    ...(rule.direction === question.direction ? [] : (["direction"] as const)),
    ...(classic && rule.nicType !== own.nicType ? (["nicType"] as const) : []),
  ];
}

const kinds = ["accept", "drop", "miss"] as const;
type Kind = (typeof kinds)[number];

const portedFeatures = ["tcp", "udp"].flatMap((name) => [
  name,
  `${name} port range`,
  `${name} source port range`,
]);
const icmpFeatures = ["icmp", "icmpv6"].flatMap((name) => [name, `${name} type`, `${name} code`]);

/** What a run must reach: each as accept, as drop and as a miss where there can be one. */
export const allFeatures: readonly string[] = [
  ...["IPv4 prefix", "IPv6 prefix", "IPv4 prefix list", "IPv6 prefix list", "group", "egress", "ingress"],
  ...["all protocols", "gre", "protocol by number", ...portedFeatures, ...icmpFeatures],
  ...["local IPv4 prefix", "local IPv6 prefix", "expires", "internet rule", "intranet rule"],
  ...["template", "priority 110"],
];

const everyReason = ["rule", "inner-access", "default-egress", "no-rule", "default-drop", "observed"];

/** Verdicts that a run must reach, by direction and by what stands behind them. */
export const allVerdicts: readonly string[] = [
  ...["accept rule", "drop rule", "accept inner-access", "accept observed"].flatMap((name) => [
    `egress ${name}`,
    `ingress ${name}`,
  ]),
  ...["egress accept default-egress", "egress drop default-drop", "ingress drop no-rule"],
  ...["vpc network", "classic network", "one group", "some groups", "many groups"].flatMap((name) =>
    everyReason.map((reason) => `${name}: ${reason}`),
  ),
  ...["basic group: rule", "advanced group: rule", "default group: rule", "basic group: observed"],
  ...[
    "IPv4: inner-access",
    "IPv6: inner-access",
    "link-local member: inner-access",
    "link-local member: rule",
  ],
  ...["a smaller priority", "a drop of its priority", "an equal"].map((name) => `outranked by ${name}`),
];

export class FeatureTally {
  readonly #features = new Map<string, Record<Kind, number>>();
  readonly #verdicts = new Map<string, number>();

  add(target: Target, asked: AimedQuestion, verdict: Verdict): void {
    const { aim, question } = asked;
    const misses = missesOf(target, asked);
    const decided = verdict.reason === "rule" && isNamed(aim, verdict);
    if (misses.length > 1 || (misses.length === 0 && !decided)) this.#countRank(aim, misses, verdict);
    else this.#countFeatures(target, aim.rule, misses[0] ?? null, verdict);
    this.#countVerdict(`${question.direction} ${verdict.verdict} ${verdict.reason}`);
    for (const name of contextOf(target, asked, verdict)) this.#countVerdict(`${name}: ${verdict.reason}`);
  }

  /** By verdict and reason, and what stood behind: how often. */
  get verdicts(): ReadonlyMap<string, number> {
    return this.#verdicts;
  }

  /** Was a feature met as each kind? Infinity stands where it cannot be missed. */
  isReached(feature: string): boolean {
    const counts = this.#features.get(feature);
    return counts !== undefined && kinds.every((kind) => counts[kind] > 0);
  }

  /** A line a feature, then a line a verdict. */
  describe(): string {
    const features = [...this.#features].map(([name, { accept, drop, miss }]) => {
      const missed = miss === Number.POSITIVE_INFINITY ? "-" : miss;
      return `${name}: accepts ${accept}, drops ${drop}, misses ${missed}`;
    });
    const verdicts = [...this.#verdicts].map(([name, count]) => `${name}: ${count}`);
    return [...features.sort(), ...verdicts.sort()].join("\n");
  }

  /** A rule that matched, and another decided. */
  #countRank({ rule }: GroupRule, misses: readonly Field[], { rule: decider }: Verdict): void {
    if (misses.length > 0 || decider === null) return;
    if (decider.priority < rule.priority) this.#countVerdict("outranked by a smaller priority");
    else if (decider.policy !== rule.policy) this.#countVerdict("outranked by a drop of its priority");
    else this.#countVerdict("outranked by an equal");
  }

  #countFeatures(target: Target, rule: Rule, missed: Field | null, verdict: Verdict): void {
    for (const { name, field } of featuresOf(rule, target.model, target.own)) {
      const counts = this.#features.get(name) ?? {
        accept: 0,
        drop: 0,
        miss: field === null ? Number.POSITIVE_INFINITY : 0,
      };
      this.#features.set(name, counts);
      if (missed === null) counts[verdict.verdict]++;
      else if (missed === field) counts.miss++;
    }
  }

  #countVerdict(name: string): void {
    this.#verdicts.set(name, (this.#verdicts.get(name) ?? 0) + 1);
  }
}

function isNamed({ group, rule }: GroupRule, { rule: decider }: Verdict): boolean {
  return decider !== null && decider.group === group.id && decider.index === rule.index;
}
