/** Rules in the shape of `openstack security group rule list --long -f json`: accepts only, each of one family. */
import { formatPrefix } from "../model/cidr.ts";
import type { Direction, Family, Group, Rule } from "../model/model.ts";
import { checkCommon, type Exporter, nameCommonSettings } from "./exporter.ts";
import { Unsayable } from "./finding.ts";
import { familyOf } from "./service.ts";

const cloud = "OpenStack";

/** The columns of the client's list. */
interface Row {
  readonly ID: string | null;
  readonly "IP Protocol": string | null;
  readonly Ethertype: "IPv4" | "IPv6";
  readonly "IP Range": string | null;
  readonly "Port Range": string;
  readonly Direction: Direction;
  readonly "Remote Security Group": string | null;
  readonly "Remote Address Group": null;
  readonly "Security Group": string;
}

export function writeOpenstack(exporter: Exporter, groups: readonly Group[]): string {
  const rows = groups.flatMap((group) => writeGroup(exporter, group));
  return `${JSON.stringify(rows, null, 2)}\n`;
}

function writeGroup(exporter: Exporter, group: Group): readonly Row[] {
  nameCommonSettings(exporter, group, cloud);
  const texts = [group.name, group.description, ...group.rules.map(({ description }) => description)];
  if (texts.some((text) => text !== "") || group.tags.size > 0)
    exporter.say("note", "lost-text", group, "the list has no place for names, descriptions and tags");
  const rows = group.rules.flatMap((rule) =>
    exporter.rule(group, rule, () => writeRule(exporter, group, rule)),
  );
  return [...rows, ...writeDefaults(exporter, group)];
}

/** What holds here where no rule matches, as the rules that it takes there. */
function writeDefaults(exporter: Exporter, group: Group): readonly Row[] {
  const rows: Row[] = [];
  const both = [4, 6] as const;
  if (group.innerAccess === "accept") {
    exporter.say(
      "note",
      "group-setting",
      group,
      "`innerAccess: accept` became rules that name the group itself",
    );
    for (const direction of ["ingress", "egress"] as const)
      for (const family of both)
        rows.push(makeRow(group, direction, family, { "Remote Security Group": group.id }));
  }
  if (group.defaultEgress === "accept") {
    exporter.say("note", "group-setting", group, "`defaultEgress: accept` became egress rules to everywhere");
    for (const family of both)
      rows.push(makeRow(group, "egress", family, { "IP Range": everywhere(family) }));
  }
  return rows;
}

const everywhere = (family: Family): string => (family === 4 ? "0.0.0.0/0" : "::/0");

function makeRow(group: Group, direction: Direction, family: Family, fields: Partial<Row>): Row {
  return {
    ID: null,
    "IP Protocol": null,
    Ethertype: family === 4 ? "IPv4" : "IPv6",
    "IP Range": null,
    "Port Range": "",
    Direction: direction,
    "Remote Security Group": null,
    "Remote Address Group": null,
    "Security Group": group.id,
    ...fields,
  };
}

/** @throws Unsayable */
function writeRule(exporter: Exporter, group: Group, rule: Rule): readonly Row[] {
  checkCommon(rule, cloud);
  if (rule.policy === "drop") throw new Unsayable("rule-kind", `${cloud} has no rules that drop`);
  if (rule.sourcePorts !== null) throw new Unsayable("rule-kind", `${cloud} has no source ports`);
  if (rule.nicType === "internet") throw new Unsayable("rule-kind", `${cloud} has no classic networks`);
  const service = {
    ID: rule.id,
    "IP Protocol": writeProtocol(rule.protocol),
    "Port Range": writeRange(rule),
  };
  const only = familyOf(rule.protocol);
  const near = nearFamily(rule);
  return listPeers(exporter, rule)
    .flatMap(({ family, fields }) =>
      (family === null ? ([4, 6] as const) : [family]).map((one) => ({ one, fields })),
    )
    .filter(({ one }) => (only === null || one === only) && (near === null || one === near))
    .map(({ one, fields }) => makeRow(group, rule.direction, one, { ...service, ...fields }));
}

/** `local` of every address of a family says which family a rule is for; another one cannot be said. */
function nearFamily({ local }: Rule): Family | null {
  if (local === null) return null;
  if (local.length === 0) return local.family;
  throw new Unsayable("rule-kind", `${cloud} has no addresses of the protected side`);
}

function listPeers(
  exporter: Exporter,
  { remote }: Rule,
): readonly { readonly family: Family | null; readonly fields: Partial<Row> }[] {
  switch (remote.kind) {
    case "prefix":
      return [{ family: remote.prefix.family, fields: { "IP Range": formatPrefix(remote.prefix) } }];
    case "group":
      return [{ family: null, fields: { "Remote Security Group": remote.group } }];
    case "prefix-list":
      return exporter.list(remote.list).entries.map(({ prefix }) => ({
        family: prefix.family,
        fields: { "IP Range": formatPrefix(prefix) },
      }));
    default:
      return remote satisfies never;
  }
}

function writeProtocol(protocol: string | number): string | null {
  if (protocol === "all") return null;
  return protocol === "icmpv6" ? "ipv6-icmp" : String(protocol);
}

function writeRange({ protocol, ports, icmpType, icmpCode }: Rule): string {
  if (protocol === "icmp" || protocol === "icmpv6") {
    const code = icmpCode === null ? "" : `:code=${icmpCode}`;
    return icmpType === null ? "" : `type=${icmpType}${code}`;
  }
  return ports === null ? "" : `${ports.first}:${ports.last}`;
}
