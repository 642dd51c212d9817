/**
 * The JSON of `aws ec2 describe-security-groups`. All rules accept; what none allows is dropped in both
 * directions, among members too. Meaning of the keys: EC2's API reference, IpPermission.
 */
import { formatPrefix } from "../model/cidr.ts";
import type { Direction } from "../model/model.ts";
import { quote } from "../model/text.ts";
import type { Candidate } from "./candidate.ts";
import { type Fields, fieldsOf } from "./fields.ts";
import { Unsayable } from "./finding.ts";
import type { Importer, Spot } from "./importer.ts";
import { joinPath } from "./json.ts";
import { compact, type PlainGroup, type PlainRule } from "./plain.ts";
import { acceptPorts, familyOf, icmpNumber, nameProtocol, type Service } from "./service.ts";

/** `SecurityGroups`, each with its rules. */
export function listAwsGroups(importer: Importer, root: Fields): readonly Candidate[] {
  const groups = root.maps("SecurityGroups");
  noteUnknown(importer, root);
  return groups.map((fields) => ({
    sourceId: fields.requireText("GroupId"),
    names: [fields.text("GroupName") ?? ""],
    place: joinPath(fields.path, "GroupId"),
    network: fields.text("VpcId") ?? null,
    read: (id) => readGroup(importer, fields, id, fields.text("OwnerId")),
  }));
}

/** What goes along from the cloud: no rule, no way, in both directions. */
export const closedDefaults = { innerAccess: "drop", defaultEgress: "drop" } as const;

function readGroup(importer: Importer, fields: Fields, id: string, owner: string | undefined): PlainGroup {
  const spot = { place: fields.path, group: id };
  fields.skip("SecurityGroupArn");
  const head = {
    name: importer.text(fields.words("GroupName"), spot, "name"),
    description: importer.text(fields.words("Description"), spot, "description"),
    tags: readTags(importer, fields, spot),
  };
  const rules = (["ingress", "egress"] as const).flatMap((direction) =>
    fields
      .maps(direction === "ingress" ? "IpPermissions" : "IpPermissionsEgress")
      .flatMap((permission) => readPermission(importer, permission, direction, id, owner)),
  );
  for (const key of ["IpPermissions", "IpPermissionsEgress"])
    if (!fields.declares(key))
      importer.refuse("missing-key", spot, `\`${key}\` is missing: the rules are not all there`);
  noteUnknown(importer, fields, id);
  return compact<PlainGroup>({
    ...head,
    type: "basic",
    network: importer.target.network,
    ...closedDefaults,
    rules,
  });
}

function noteUnknown(importer: Importer, fields: Fields, group: string | null = null): void {
  for (const key of fields.unknown())
    importer.note(
      "unknown-key",
      { place: joinPath(fields.path, key), group },
      `the key ${quote(key)} is passed over`,
    );
}

function readTags(importer: Importer, fields: Fields, spot: Spot): Record<string, string> | undefined {
  const tags = fields.maps("Tags").map((tag) => {
    const key = importer.text(tag.requireText("Key"), spot, "tag") ?? "";
    return [key, importer.text(tag.words("Value"), spot, "tag") ?? ""] as const;
  });
  return tags.length === 0 ? undefined : Object.fromEntries(tags);
}

/** One permission is many rules: each of its ranges, lists and groups. */
function readPermission(
  importer: Importer,
  fields: Fields,
  direction: Direction,
  group: string,
  owner: string | undefined,
): readonly PlainRule[] {
  const spot = { place: fields.path, group };
  const peers = [
    ...fields
      .maps("IpRanges")
      .map((peer) => ({ peer, read: () => readCidr(importer, peer, "CidrIp", group) })),
    ...fields
      .maps("Ipv6Ranges")
      .map((peer) => ({ peer, read: () => readCidr(importer, peer, "CidrIpv6", group) })),
    ...fields.maps("PrefixListIds").map((peer) => ({ peer, read: () => readList(importer, peer) })),
    ...fields.maps("UserIdGroupPairs").map((peer) => ({ peer, read: () => readPair(importer, peer, owner) })),
  ];
  return importer.attempt(spot, "accept", () => {
    const service = readAwsService(importer, fields, spot);
    fields.refuseUnknown();
    if (peers.length === 0)
      importer.note(
        "matches-nothing",
        spot,
        "a permission for nobody: there is neither range, list nor group",
      );
    return peers.flatMap(({ peer, read }) => {
      const at = { place: peer.path, group };
      return importer.attempt(at, "accept", () => {
        const { remote, family } = read();
        const description = importer.text(peer.words("Description"), at, "description");
        peer.refuseUnknown();
        return finishAwsRule(importer, at, { direction, service, remote, family, description });
      });
    });
  });
}

interface Pieces {
  readonly direction: Direction;
  readonly service: Service;
  readonly remote: string;
  /** Of a prefix; null for a group, and for a list, which may be of another family and match nothing. */
  readonly family: 4 | 6 | null;
  readonly description: string | undefined;
  readonly id?: string | undefined;
}

/** The rule, or none where protocol and remote have no packet in common. */
export function finishAwsRule(importer: Importer, spot: Spot, pieces: Pieces): readonly PlainRule[] {
  const { direction, service, remote, family, description, id } = pieces;
  const only = familyOf(service.protocol);
  if (only !== null && family !== null && only !== family) {
    importer.note("matches-nothing", spot, `${service.protocol} has no packet with ${quote(remote)}`);
    return [];
  }
  return [compact<PlainRule>({ id, direction, policy: "accept", ...service, remote, description })];
}

function readCidr(importer: Importer, peer: Fields, key: string, group: string) {
  const prefix = importer.prefix(peer.requireText(key), { place: joinPath(peer.path, key), group });
  return { remote: formatPrefix(prefix), family: prefix.family };
}

function readList(importer: Importer, peer: Fields) {
  return { remote: importer.listRemote(peer.requireText("PrefixListId")), family: null };
}

/** A group of the file's own account is known by its id alone, another's by `ACCOUNT/ID`. */
export function readPair(importer: Importer, peer: Fields, owner: string | undefined) {
  peer.skip("GroupName", "VpcId", "VpcPeeringConnectionId", "PeeringStatus");
  const user = peer.text("UserId");
  const account = user === undefined || user === owner ? null : user;
  return { remote: importer.groupRemote(peer.requireText("GroupId"), account), family: null };
}

const portNames = ["FromPort", "ToPort"] as const;

/** Protocol, ports and ICMP of a permission. @throws Unsayable */
export function readAwsService(importer: Importer, fields: Fields, spot: Spot): Service {
  const protocol = readProtocol(fields.requireText("IpProtocol"));
  const [first, last] = portNames.map((name) => fields.integer(name));
  if (protocol === "icmp" || protocol === "icmpv6") return { protocol, ...readIcmp(first, last) };
  if (protocol !== "tcp" && protocol !== "udp") {
    const said = (first ?? -1) !== -1 || (last ?? -1) !== -1;
    if (said)
      importer.note("ignored-value", spot, `ports of ${quote(String(protocol))}: the cloud ignores them too`);
    return { protocol };
  }
  if (first === undefined || last === undefined)
    throw new Unsayable("missing-key", `\`${first === undefined ? "FromPort" : "ToPort"}\` is missing`);
  if (first === -1 && last === -1) return { protocol, portRange: "-1/-1" };
  return { protocol, portRange: acceptPorts(importer, spot, first, last) };
}

function readProtocol(written: string): string | number {
  const lower = written.toLowerCase();
  if (lower === "-1" || lower === "all") return "all";
  if (lower === "tcp" || lower === "udp" || lower === "icmp" || lower === "icmpv6") return lower;
  if (/^[0-9]{1,3}$/.test(lower)) return nameProtocol(Number(lower));
  throw new Unsayable(
    "bad-value",
    `${quote(written)} is no IpProtocol`,
    "-1, tcp, udp, icmp, icmpv6 or a number",
  );
}

/** `FromPort` is the type, `ToPort` the code, -1 each of them. */
function readIcmp(type: number | undefined, code: number | undefined): Partial<Service> {
  if (type === undefined || code === undefined)
    throw new Unsayable("missing-key", "an ICMP permission without type (`FromPort`) and code (`ToPort`)");
  if (type === -1) {
    if (code === -1) return {};
    throw new Unsayable("bad-value", `the ICMP code ${code} without a type`, "FromPort and the type");
  }
  const icmpType = icmpNumber(type, "type");
  return code === -1 ? { icmpType } : { icmpType, icmpCode: icmpNumber(code, "code") };
}

/** `SecurityGroupRules` of `aws ec2 describe-security-group-rules`: one rule each, its group by id. */
export function listAwsRules(importer: Importer, root: Fields): readonly Candidate[] {
  const rules = root.maps("SecurityGroupRules");
  noteUnknown(importer, root);
  const byGroup = new Map<string, Fields[]>();
  for (const rule of rules) {
    const sourceId = rule.requireText("GroupId");
    const listed = byGroup.get(sourceId) ?? [];
    listed.push(rule);
    byGroup.set(sourceId, listed);
  }
  const { network } = importer.target;
  return [...byGroup].map(([sourceId, listed]) => ({
    sourceId,
    names: [],
    place: joinPath(root.path, "SecurityGroupRules"),
    network: null,
    read: (id) => ({
      type: "basic",
      network,
      ...closedDefaults,
      rules: listed.flatMap((rule) => readListedRule(importer, rule, id)),
    }),
  }));
}

function readListedRule(importer: Importer, rule: Fields, group: string): readonly PlainRule[] {
  const spot = { place: rule.path, group };
  rule.skip("SecurityGroupRuleArn", "Tags", "GroupId");
  return importer.attempt(spot, "accept", () => {
    const egress = rule.truth("IsEgress");
    if (egress === undefined) throw new Unsayable("missing-key", "`IsEgress` is missing");
    const service = readAwsService(importer, rule, spot);
    const { remote, family } = readListedRemote(importer, rule, group);
    const description = importer.text(rule.words("Description"), spot, "description");
    const id = importer.ruleId(rule.text("SecurityGroupRuleId"), spot);
    rule.refuseUnknown();
    const direction = egress ? "egress" : "ingress";
    return finishAwsRule(importer, spot, { direction, service, remote, family, description, id });
  });
}

function readListedRemote(importer: Importer, rule: Fields, group: string) {
  const owner = rule.text("GroupOwnerId");
  const referenced = rule.value("ReferencedGroupInfo");
  const ways = ["CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupInfo"].filter((key) => rule.has(key));
  if (ways.length !== 1)
    throw new Unsayable(
      "bad-value",
      "a rule has one of CidrIpv4, CidrIpv6, PrefixListId, ReferencedGroupInfo",
    );
  if (referenced !== undefined)
    return readPair(importer, fieldsOf(referenced, joinPath(rule.path, "ReferencedGroupInfo")), owner);
  if (rule.has("PrefixListId")) return readList(importer, rule);
  return readCidr(importer, rule, rule.has("CidrIpv4") ? "CidrIpv4" : "CidrIpv6", group);
}
