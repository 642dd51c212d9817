/** Groups in the shape of Alibaba Cloud: DescribeSecurityGroupAttribute's JSON, or a CSV of their rules. */
import { formatPrefix } from "../model/cidr.ts";
import type { Group, Rule } from "../model/model.ts";
import { formatPortRange } from "../model/ports.ts";
import { type RuleKey, ruleKeys } from "./alibaba-keys.ts";
import { writeCsv } from "./csv.ts";
import { checkCommon, type Exporter, nameCommonSettings, splitGroupId } from "./exporter.ts";
import { Unsayable } from "./finding.ts";

type Permission = Readonly<Record<RuleKey, string>>;

const cloud = "Alibaba Cloud";
const protocols: ReadonlyMap<string | number, string> = new Map([
  ["all", "ALL"],
  ["tcp", "TCP"],
  ["udp", "UDP"],
  ["icmp", "ICMP"],
  ["icmpv6", "ICMPv6"],
  ["gre", "GRE"],
]);

/** One answer of DescribeSecurityGroupAttribute; of several groups the wrapper of DescribeSecurityGroups. */
export function writeAlibabaJson(exporter: Exporter, groups: readonly Group[]): string {
  const answers = groups.map((group) => writeGroup(exporter, group));
  const [only] = answers;
  const root = answers.length === 1 ? only : { SecurityGroups: { SecurityGroup: answers } };
  return `${JSON.stringify(root, null, 2)}\n`;
}

function writeGroup(exporter: Exporter, group: Group) {
  const tags = [...group.tags].map(([TagKey, TagValue]) => ({ TagKey, TagValue }));
  return {
    SecurityGroupId: group.id,
    SecurityGroupName: group.name,
    Description: group.description,
    VpcId: group.network,
    SecurityGroupType: group.type === "advanced" ? "enterprise" : "normal",
    InnerAccessPolicy: group.innerAccess === "accept" ? "Accept" : "Drop",
    ...(tags.length === 0 ? {} : { Tags: { Tag: tags } }),
    Permissions: { Permission: listPermissions(exporter, group) },
  };
}

/** The rules of one group as a spreadsheet; it says nothing of the group itself. */
export function writeAlibabaCsv(exporter: Exporter, group: Group): string {
  const permissions = listPermissions(exporter, group);
  const lost = [
    group.type === "advanced" ? "type: advanced" : null,
    group.innerAccess === "accept" ? "innerAccess: accept" : null,
    group.tags.size > 0 ? "tags" : null,
    group.name !== "" || group.description !== "" ? "name and description" : null,
  ].flatMap((word) => word ?? []);
  if (lost.length > 0)
    exporter.say(
      "note",
      "group-setting",
      group,
      `a list of rules does not say: ${lost.join(", ")}`,
      "alibaba-json",
    );
  return writeCsv(
    ruleKeys,
    permissions.map((permission) => ruleKeys.map((key) => permission[key])),
  );
}

function listPermissions(exporter: Exporter, group: Group): readonly Permission[] {
  nameCommonSettings(exporter, group, cloud);
  const rules = group.rules.flatMap((rule) => exporter.rule(group, rule, () => [writeRule(rule)]));
  return [...rules, ...writeDefaultEgress(exporter, group)];
}

/**
 * The cloud's groups accept what no egress rule matches. A drop of everything at the last priority says
 * `defaultEgress: drop`, unless an accept stands there too, or inner access, which is weaker than any rule.
 */
function writeDefaultEgress(exporter: Exporter, group: Group): readonly Permission[] {
  if (group.defaultEgress === "accept") return [];
  const beaten = group.rules.some(
    ({ direction, policy, priority }) => direction === "egress" && policy === "accept" && priority >= 100,
  );
  if (group.type === "advanced" || group.innerAccess === "accept" || beaten) {
    const message = `${cloud} cannot say \`defaultEgress: drop\` of this group, and would let out more`;
    exporter.say(
      "refused",
      "group-setting",
      group,
      message,
      "innerAccess: drop, egress priorities below 100",
    );
    return [];
  }
  exporter.say("note", "group-setting", group, "`defaultEgress: drop` became two rules of priority 100");
  return ["0.0.0.0/0", "::/0"].map((remote) => ({
    ...emptyPermission,
    Direction: "egress",
    Policy: "Drop",
    Priority: "100",
    IpProtocol: "ALL",
    PortRange: "-1/-1",
    [remote.includes(":") ? "Ipv6DestCidrIp" : "DestCidrIp"]: remote,
    NicType: "intranet",
  }));
}

const emptyPermission = Object.fromEntries(ruleKeys.map((key) => [key, ""])) as Permission;

/** @throws Unsayable */
function writeRule(rule: Rule): Permission {
  checkCommon(rule, cloud);
  const protocol = protocols.get(rule.protocol);
  if (protocol === undefined)
    throw new Unsayable("rule-kind", `${cloud} knows the protocols ${[...protocols.values()].join(", ")}`);
  if (rule.icmpType !== null) throw new Unsayable("rule-kind", `${cloud} has no ICMP types`);
  const [far, near] =
    rule.direction === "ingress" ? (["Source", "Dest"] as const) : (["Dest", "Source"] as const);
  return {
    ...emptyPermission,
    Direction: rule.direction,
    Policy: rule.policy === "accept" ? "Accept" : "Drop",
    Priority: String(rule.priority),
    IpProtocol: protocol,
    PortRange: formatPortRange(rule.ports),
    SourcePortRange: rule.sourcePorts === null ? "" : formatPortRange(rule.sourcePorts),
    ...writeRemote(rule, far),
    ...(rule.local === null ? {} : writePrefix(near, formatPrefix(rule.local))),
    NicType: rule.nicType,
    Description: rule.description,
  };
}

function writePrefix(side: "Source" | "Dest", prefix: string): Partial<Permission> {
  return { [prefix.includes(":") ? `Ipv6${side}CidrIp` : `${side}CidrIp`]: prefix };
}

function writeRemote({ remote }: Rule, side: "Source" | "Dest"): Partial<Permission> {
  switch (remote.kind) {
    case "prefix":
      return writePrefix(side, formatPrefix(remote.prefix));
    case "prefix-list":
      return { [`${side}PrefixListId`]: remote.list };
    case "group": {
      const { account, group } = splitGroupId(remote.group);
      return { [`${side}GroupId`]: group, [`${side}GroupOwnerAccount`]: account ?? "" };
    }
    default:
      return remote satisfies never;
  }
}
