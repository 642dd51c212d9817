/** One rule of OpenStack, with the keys of the client's columns or of the network API. */
import { formatPrefix } from "../model/cidr.ts";
import type { Direction, Family } from "../model/model.ts";
import { quote } from "../model/text.ts";
import type { Fields } from "./fields.ts";
import { Unsayable } from "./finding.ts";
import type { Importer, Spot } from "./importer.ts";
import { compact, type PlainRule } from "./plain.ts";
import { acceptPorts, familyOf, icmpNumber, nameProtocol, type Service } from "./service.ts";

/** Protocols that Neutron knows by name; numbers go too. */
const protocolNames: Readonly<Record<string, number>> = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  egp: 8,
  udp: 17,
  dccp: 33,
  "ipv6-encap": 41,
  "ipv6-route": 43,
  "ipv6-frag": 44,
  rsvp: 46,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  "ipv6-icmp": 58,
  "ipv6-nonxt": 59,
  "ipv6-opts": 60,
  ospf: 89,
  vrrp: 112,
  pgm: 113,
  sctp: 132,
  udplite: 136,
};

/**
 * What says "any" by being empty must be there all the same: a list printed without the column would open
 * everything.
 */
const emptyMeansAny = [
  ["IP Protocol", "protocol"],
  ["IP Range", "remote_ip_prefix"],
  ["Remote Security Group", "remote_group_id"],
  ["Port Range", "port_range_min"],
] as const;

function checkColumns(fields: Fields): void {
  for (const names of emptyMeansAny)
    if (!names.some((name) => fields.declares(name)))
      throw new Unsayable(
        "missing-key",
        `the column \`${names[0]}\` is missing`,
        "the list with all its columns",
      );
}

/**
 * `sparse`: the text of older clients, which leaves out what is empty.
 * @throws Unsayable for what no rule here can say
 */
export function readOpenstackRule(
  importer: Importer,
  fields: Fields,
  spot: Spot,
  sparse: boolean,
): readonly PlainRule[] {
  if (!sparse) checkColumns(fields);
  const direction = readDirection(fields);
  const id = fields.text("ID", "id");
  fields.skip("project_id", "tenant_id", "created_at", "updated_at", "revision_number", "standard_attr_id");
  fields.skip("location", "name", "tags", "belongs_to_default_sg", "normalized_cidr", "if_match", "Name");
  const range = fields.text("IP Range", "remote_ip_prefix");
  const group = fields.text("Remote Security Group", "remote_group_id");
  if (fields.has("Remote Address Group", "remote_address_group_id"))
    throw new Unsayable(
      "address-group",
      "an address group, whose addresses are not in the source",
      "a prefix list",
    );
  const prefix = range === undefined ? null : importer.prefix(range, spot);
  const family = readFamily(fields, prefix?.family ?? null);
  const service = readService(importer, fields, family, spot);
  const description = importer.text(fields.words("Description", "description"), spot, "description");
  if (prefix !== null && group !== undefined)
    throw new Unsayable("bad-value", "an IP range and a group in one rule", "two rules");
  fields.refuseUnknown();
  if (prefix !== null && prefix.family !== family) {
    importer.note("matches-nothing", spot, `${quote(formatPrefix(prefix))} in a rule for IPv${family}`);
    return [];
  }
  const everywhere = family === 4 ? "0.0.0.0/0" : "::/0";
  const far = prefix !== null ? formatPrefix(prefix) : everywhere;
  const remote = group === undefined ? far : importer.groupRemote(group);
  // A group has members of both families, the rule is for one: the near end's family says which, where the
  // protocol does not.
  const local = group === undefined || familyOf(service.protocol) !== null ? undefined : everywhere;
  return [
    compact<PlainRule>({
      id: importer.ruleId(id, spot),
      direction,
      policy: "accept",
      ...service,
      remote,
      local,
      description,
    }),
  ];
}

function readDirection(fields: Fields): Direction {
  const text = fields.text("Direction", "direction");
  switch (text?.toLowerCase()) {
    case "ingress":
      return "ingress";
    case "egress":
      return "egress";
    case undefined:
      throw new Unsayable("missing-key", "the rule's direction is missing", "the list with `--long`");
    default:
      throw new Unsayable("bad-value", `${quote(text ?? "")} is no direction`, "ingress or egress");
  }
}

function readFamily(fields: Fields, prefix: Family | null): Family {
  const text = fields.text("Ethertype", "Ether Type", "ethertype", "ether_type");
  switch (text?.toLowerCase()) {
    case "ipv4":
      return 4;
    case "ipv6":
      return 6;
    case undefined:
      if (prefix !== null) return prefix;
      throw new Unsayable("missing-key", "the rule's family is missing", "the list with `--long`");
    default:
      throw new Unsayable("bad-value", `${quote(text ?? "")} is no ethertype`, "IPv4 or IPv6");
  }
}

function readProtocol(text: string | undefined, family: Family): string | number {
  const lower = text?.toLowerCase() ?? "any";
  if (lower === "any") return "all";
  const number = /^[0-9]{1,3}$/.test(lower)
    ? Number(lower)
    : Object.hasOwn(protocolNames, lower)
      ? protocolNames[lower]
      : undefined;
  if (number === undefined)
    throw new Unsayable("bad-value", `${quote(lower)} is no protocol`, "a number, or any");
  // Neutron takes ICMP's name for ICMPv6 in a rule for IPv6.
  return nameProtocol(number === 1 && family === 6 ? 58 : number);
}

function readService(importer: Importer, fields: Fields, family: Family, spot: Spot): Service {
  const protocol = readProtocol(fields.text("IP Protocol", "protocol"), family);
  const { first, last } = readRange(fields, protocol);
  if (protocol === "icmp" || protocol === "icmpv6") {
    checkIcmpFamily(protocol, family);
    if (fields.declares("Port Range")) noteZeros(importer, first, last, spot);
    if (first === null && last === null) return { protocol };
    if (first === null) throw new Unsayable("bad-value", `the ICMP code ${last} without a type`);
    const icmpType = icmpNumber(first, "type");
    return last === null
      ? { protocol, icmpType }
      : { protocol, icmpType, icmpCode: icmpNumber(last, "code") };
  }
  const ported = protocol === "tcp" || protocol === "udp";
  if (first === null && last === null) return ported ? { protocol, portRange: "-1/-1" } : { protocol };
  if (!ported) throw new Unsayable("no-ports", `ports of protocol ${protocol}, which has none here`);
  const from = first ?? last ?? 0;
  return { protocol, portRange: acceptPorts(importer, spot, from, last ?? from) };
}

/** The client's list prints a type or code of 0 as if there were none. */
function noteZeros(importer: Importer, first: number | null, last: number | null, spot: Spot): void {
  if (last !== null) return;
  const meanings =
    first === null ? "every type, or type 0 alone" : `every code of type ${first}, or code 0 alone`;
  const message = `the list prints alike: ${meanings}`;
  importer.note("ambiguous", spot, message, "the group by `security group show -f json`");
}

function checkIcmpFamily(protocol: string, family: Family): void {
  if ((protocol === "icmp") === (family === 4)) return;
  throw new Unsayable("matches-nothing", `${protocol} has no packet of IPv${family}`);
}

/** Of the API: two numbers. Of the client: `22:22`, `type=8:code=0`, or nothing. */
function readRange(fields: Fields, protocol: string | number): { first: number | null; last: number | null } {
  const text = fields.text("Port Range");
  const first = fields.integer("port_range_min") ?? null;
  const last = fields.integer("port_range_max") ?? null;
  if (text === undefined) return { first, last };
  const icmp = /^(?:type=)?(\d{1,3})(?::(?:code=)?(\d{1,3}))?$/.exec(text);
  const ports = /^(\d{1,5}):(\d{1,5})$/.exec(text);
  const found = protocol === "icmp" || protocol === "icmpv6" ? icmp : ports;
  if (found === null) throw new Unsayable("bad-value", `${quote(text)} is no port range`, "22:22");
  return { first: Number(found[1]), last: found[2] === undefined ? null : Number(found[2]) };
}
