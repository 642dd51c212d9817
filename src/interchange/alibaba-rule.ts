/** One permission of Alibaba Cloud as a rule. */
import { formatPrefix } from "../model/cidr.ts";
import type { Direction, Family, NicType, Policy } from "../model/model.ts";
import { formatPortRange, parsePortRange } from "../model/ports.ts";
import { hasPorts } from "../model/protocol.ts";
import { priorityMax, templatePriority } from "../model/rule.ts";
import { isGroupId, isPrefixListId, quote } from "../model/text.ts";
import { idleKeys, readDirection, readPolicy, readProtocol } from "./alibaba-keys.ts";
import type { Fields } from "./fields.ts";
import { Unsayable } from "./finding.ts";
import type { Importer, Spot } from "./importer.ts";
import { joinPath } from "./json.ts";
import { compact, type PlainRule } from "./plain.ts";
import { familyOf, type Service } from "./service.ts";

/** The group that a rule comes into. */
export interface RuleHome {
  readonly id: string;
  readonly type: "basic" | "advanced";
  readonly networkType: "vpc" | "classic";
}

/** What a rule does, read before all else: it decides what becomes of a fault. @throws Unsayable */
export function readRulePolicy(fields: Fields): Policy {
  return readPolicy(fields.requireText("Policy"));
}

/** @throws Unsayable for what no rule here can say */
export function readAlibabaRule(
  importer: Importer,
  fields: Fields,
  home: RuleHome,
  policy: Policy,
): PlainRule {
  const spot = { place: fields.path, group: home.id };
  fields.skip(...idleKeys);
  const direction = readDirection(fields.requireText("Direction"));
  const service = readService(fields);
  const far = readRemote(importer, fields, direction, spot);
  const near = readLocal(importer, fields, direction, spot);
  checkHome(home, policy, far);
  checkFamilies(service.protocol, far, near);
  const rank = readPriority(importer, fields, home, spot);
  const nicType = readNicType(fields, home);
  const description = importer.text(fields.words("Description"), spot, "description");
  fields.refuseUnknown();
  return compact<PlainRule>({
    direction,
    policy,
    ...service,
    remote: far.remote,
    local: near?.remote,
    ...rank,
    nicType,
    description,
  });
}

interface End {
  readonly kind: "prefix" | "group" | "list";
  readonly remote: string;
  /** Of a prefix. A list of the other family is no fault: it matches nothing. */
  readonly family: Family | null;
}

function checkHome(home: RuleHome, policy: Policy, far: End): void {
  if (home.type !== "advanced") return;
  if (policy === "drop")
    throw new Unsayable("advanced-group", "a drop in an advanced group, whose rules only accept");
  if (far.kind === "group")
    throw new Unsayable(
      "advanced-group",
      `the group ${quote(far.remote)} as remote in an advanced group`,
      "prefixes",
    );
}

function checkFamilies(protocol: string | number, far: End, near: End | null): void {
  const only = familyOf(protocol);
  for (const end of [far, near]) {
    if (end === null || end.family === null || only === null || end.family === only) continue;
    const right = only === 4 ? "ICMPv6" : "ICMP";
    throw new Unsayable("bad-value", `${protocol} has no packet with ${quote(end.remote)}`, right);
  }
  if (near !== null && far.family !== null && near.family !== far.family)
    throw new Unsayable("bad-value", `${quote(near.remote)} and ${quote(far.remote)} are of two families`);
}

function readService(fields: Fields): Service {
  const protocol = readProtocol(fields.requireText("IpProtocol"));
  if (fields.has("PortRangeListId"))
    throw new Unsayable(
      "unknown-name",
      "a list of ports (`PortRangeListId`), whose ports are not in the source",
      "PortRange",
    );
  fields.skip("PortRangeListName");
  const ports = fields.text("PortRange");
  const sourcePorts = fields.text("SourcePortRange");
  if (!hasPorts(protocol)) {
    for (const [key, text] of [
      ["PortRange", ports],
      ["SourcePortRange", sourcePorts],
    ] as const)
      if (text !== undefined && text !== "-1/-1")
        throw new Unsayable("no-ports", `\`${key}: ${text.slice(0, 20)}\` with ${protocol}`, "-1/-1");
    return { protocol };
  }
  if (ports === undefined)
    throw new Unsayable("missing-key", "`PortRange` is missing", "-1/-1 for every port");
  const source = sourcePorts === undefined ? undefined : readRange(sourcePorts);
  return compact<Service>({
    protocol,
    portRange: readRange(ports),
    sourcePortRange: source === "-1/-1" ? undefined : source,
  });
}

function readRange(text: string): string {
  const parsed = parsePortRange(text);
  if (!parsed.ok) throw new Unsayable("bad-value", parsed.problem.message);
  return formatPortRange(parsed.value);
}

/** Keys of one side: `Source…` or `Dest…`. */
function keysOf(side: "Source" | "Dest") {
  return {
    cidr: `${side}CidrIp`,
    cidr6: `Ipv6${side}CidrIp`,
    group: `${side}GroupId`,
    account: `${side}GroupOwnerAccount`,
    list: `${side}PrefixListId`,
  };
}

/** The far end. Where a CIDR stands the cloud passes over group and list, which is said. */
function readRemote(importer: Importer, fields: Fields, direction: Direction, spot: Spot): End {
  const keys = keysOf(direction === "ingress" ? "Source" : "Dest");
  const object = fields.text("AuthorizationObject");
  const cidr = readCidr(importer, fields, keys, spot);
  const account = fields.text(keys.account);
  const group = fields.text(keys.group);
  const list = fields.text(keys.list);
  if (cidr !== null) {
    for (const [key, value] of [
      [keys.group, group],
      [keys.list, list],
    ] as const)
      if (value !== undefined)
        importer.note(
          "ignored-value",
          spot,
          `\`${key}: ${value.slice(0, 70)}\` beside a CIDR, where the cloud passes over it`,
        );
    return cidr;
  }
  if (group !== undefined && list !== undefined)
    throw new Unsayable("bad-value", "a group and a prefix list in one rule", "two rules");
  if (group !== undefined)
    return { kind: "group", remote: importer.groupRemote(group, account ?? null), family: null };
  if (list !== undefined) return readList(importer, list);
  if (object !== undefined) return readObject(importer, object, spot);
  throw new Unsayable("missing-key", `the far end is missing (\`${keys.cidr}\` and the like)`);
}

function readList(importer: Importer, id: string): End {
  return { kind: "list", remote: importer.listRemote(id), family: null };
}

/** The console's column: a prefix, a group or a list. */
function readObject(importer: Importer, text: string, spot: Spot): End {
  if (isPrefixListId(text)) return readList(importer, text);
  if (isGroupId(text)) return { kind: "group", remote: importer.groupRemote(text), family: null };
  const prefix = importer.prefix(text, spot);
  return { kind: "prefix", remote: formatPrefix(prefix), family: prefix.family };
}

function readCidr(
  importer: Importer,
  fields: Fields,
  keys: ReturnType<typeof keysOf>,
  spot: Spot,
): End | null {
  const texts = [keys.cidr, keys.cidr6].flatMap((key) => {
    const text = fields.text(key);
    return text === undefined ? [] : [{ key, text }];
  });
  const [first, second] = texts;
  if (first === undefined) return null;
  if (second !== undefined)
    throw new Unsayable("bad-value", `\`${first.key}\` and \`${second.key}\` in one rule`, "two rules");
  const prefix = importer.prefix(first.text, { ...spot, place: placeOf(fields, first.key) });
  return { kind: "prefix", remote: formatPrefix(prefix), family: prefix.family };
}

function placeOf(fields: Fields, key: string): string {
  return /(^| )line \d+$/.test(fields.path) ? fields.path : joinPath(fields.path, key);
}

/** The protected end (five-tuple rules): a prefix, nothing else. */
function readLocal(importer: Importer, fields: Fields, direction: Direction, spot: Spot): End | null {
  const keys = keysOf(direction === "ingress" ? "Dest" : "Source");
  fields.skip(keys.account);
  const cidr = readCidr(importer, fields, keys, spot);
  for (const key of [keys.group, keys.list])
    if (fields.text(key) !== undefined)
      throw new Unsayable(
        "bad-value",
        `\`${key}\` as the protected end`,
        `\`${keys.cidr}\`, or leave it out`,
      );
  return cidr;
}

function readPriority(importer: Importer, fields: Fields, home: RuleHome, spot: Spot) {
  const priority = fields.integer("Priority");
  if (priority === undefined)
    throw new Unsayable("missing-key", "`Priority` is missing", `1 (first) to ${priorityMax}`);
  if (home.type === "advanced") {
    if (priority !== 1)
      importer.note("ignored-value", spot, `the priority ${priority} in a group that only accepts`);
    return {};
  }
  if (priority === templatePriority) return { priority, template: true as const };
  if (priority >= 1 && priority <= priorityMax) return { priority };
  throw new Unsayable(
    "bad-priority",
    `the priority ${priority} is not possible`,
    `1 (first) to ${priorityMax}`,
  );
}

function readNicType(fields: Fields, home: RuleHome): NicType | undefined {
  const written = fields.text("NicType")?.toLowerCase();
  if (written === undefined && home.networkType === "vpc") return undefined;
  if (written === undefined)
    throw new Unsayable("missing-key", "`NicType` is missing, in a classic network", "internet or intranet");
  if (written === "intranet") return undefined;
  if (written !== "internet")
    throw new Unsayable("bad-value", `\`NicType: ${written}\` is not possible`, "intranet");
  if (home.networkType === "vpc")
    throw new Unsayable(
      "bad-value",
      "`NicType: internet` in a VPC, where rules judge all traffic alike",
      "intranet",
    );
  return "internet";
}
