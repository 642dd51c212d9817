/** Groups in the shape of `aws ec2 describe-security-groups`: accepts only, closed where no rule matches. */
import { formatPrefix } from "../model/cidr.ts";
import type { Direction, Group, Rule } from "../model/model.ts";
import { checkCommon, type Exporter, nameCommonSettings, splitGroupId } from "./exporter.ts";
import { Unsayable } from "./finding.ts";

const cloud = "AWS";

interface Service {
  readonly IpProtocol: string;
  readonly FromPort?: number;
  readonly ToPort?: number;
}

interface Peer {
  readonly Description?: string;
}

interface Permission extends Service {
  readonly IpRanges: (Peer & { readonly CidrIp: string })[];
  readonly Ipv6Ranges: (Peer & { readonly CidrIpv6: string })[];
  readonly PrefixListIds: (Peer & { readonly PrefixListId: string })[];
  readonly UserIdGroupPairs: (Peer & { readonly GroupId: string; readonly UserId?: string })[];
}

export function writeAws(exporter: Exporter, groups: readonly Group[]): string {
  const answers = groups.map((group) => writeGroup(exporter, group));
  return `${JSON.stringify({ SecurityGroups: answers }, null, 2)}\n`;
}

function writeGroup(exporter: Exporter, group: Group) {
  nameCommonSettings(exporter, group, cloud);
  const { account, group: id } = splitGroupId(group.id);
  const said = (direction: Direction): readonly Permission[] => {
    const permissions = new Map<string, Permission>();
    for (const rule of group.rules.filter((one) => one.direction === direction))
      exporter.rule(group, rule, () => addRule(permissions, rule, account));
    for (const [service, peer] of defaultsOf(group, direction)) addPeer(permissions, service, peer, account);
    return [...permissions.values()];
  };
  nameDefaults(exporter, group);
  const tags = [...group.tags].map(([Key, Value]) => ({ Key, Value }));
  return {
    GroupId: id,
    GroupName: group.name === "" ? id : group.name,
    Description: group.description,
    ...(account === null ? {} : { OwnerId: account }),
    VpcId: group.network,
    IpPermissions: said("ingress"),
    IpPermissionsEgress: said("egress"),
    ...(tags.length === 0 ? {} : { Tags: tags }),
  };
}

const everything: Service = { IpProtocol: "-1" };

/** What holds here where no rule matches, as the rules that it takes there. */
function* defaultsOf(group: Group, direction: Direction): Generator<[Service, Rule["remote"], string?]> {
  if (direction === "egress" && group.defaultEgress === "accept")
    for (const family of [4, 6] as const)
      yield [everything, { kind: "prefix", prefix: { family, bits: 0n, length: 0 } }];
  if (group.innerAccess === "accept") yield [everything, { kind: "group", group: group.id }];
}

function nameDefaults(exporter: Exporter, group: Group): void {
  if (group.innerAccess === "accept")
    exporter.say(
      "note",
      "group-setting",
      group,
      "`innerAccess: accept` became rules that name the group itself",
    );
  if (group.defaultEgress === "accept")
    exporter.say("note", "group-setting", group, "`defaultEgress: accept` became egress rules to everywhere");
}

/** @throws Unsayable */
function addRule(permissions: Map<string, Permission>, rule: Rule, owner: string | null): readonly never[] {
  checkCommon(rule, cloud);
  if (rule.policy === "drop") throw new Unsayable("rule-kind", `${cloud} has no rules that drop`);
  if (rule.sourcePorts !== null) throw new Unsayable("rule-kind", `${cloud} has no source ports`);
  if (rule.local !== null)
    throw new Unsayable("rule-kind", `${cloud} has no addresses of the protected side`);
  if (rule.nicType === "internet") throw new Unsayable("rule-kind", `${cloud} has no classic networks`);
  addPeer(permissions, writeService(rule), rule.remote, owner, rule.description);
  return [];
}

/** As the cloud does, one permission holds all peers of a service. */
function addPeer(
  permissions: Map<string, Permission>,
  service: Service,
  remote: Rule["remote"],
  owner: string | null,
  description = "",
): void {
  const key = JSON.stringify(service);
  const empty: Permission = {
    ...service,
    IpRanges: [],
    Ipv6Ranges: [],
    PrefixListIds: [],
    UserIdGroupPairs: [],
  };
  const permission = permissions.get(key) ?? empty;
  permissions.set(key, permission);
  const text = description === "" ? {} : { Description: description };
  switch (remote.kind) {
    case "prefix":
      if (remote.prefix.family === 4)
        permission.IpRanges.push({ CidrIp: formatPrefix(remote.prefix), ...text });
      else permission.Ipv6Ranges.push({ CidrIpv6: formatPrefix(remote.prefix), ...text });
      break;
    case "prefix-list":
      permission.PrefixListIds.push({ PrefixListId: remote.list, ...text });
      break;
    case "group": {
      const { account, group } = splitGroupId(remote.group);
      const user = account ?? owner;
      permission.UserIdGroupPairs.push({
        GroupId: group,
        ...(user === null ? {} : { UserId: user }),
        ...text,
      });
      break;
    }
    default:
      remote satisfies never;
  }
}

function writeService(rule: Rule): Service {
  const { protocol, ports, icmpType, icmpCode } = rule;
  if (protocol === "all") return everything;
  if (protocol === "icmp" || protocol === "icmpv6")
    return { IpProtocol: protocol, FromPort: icmpType ?? -1, ToPort: icmpCode ?? -1 };
  if (protocol === "tcp" || protocol === "udp")
    return { IpProtocol: protocol, FromPort: ports?.first ?? 0, ToPort: ports?.last ?? 65535 };
  return { IpProtocol: String(rule.protocolNumber) };
}
