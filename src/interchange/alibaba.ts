/**
 * Rules of Alibaba Cloud: the JSON of DescribeSecurityGroupAttribute, the console's exported lists (JSON, CSV).
 * Meaning of the keys: ECS API reference, AuthorizeSecurityGroup and DescribeSecurityGroupAttribute.
 */
import type { Policy } from "../model/model.ts";
import { quote } from "../model/text.ts";
import { canonicalKeys } from "./alibaba-keys.ts";
import { type RuleHome, readAlibabaRule, readRulePolicy } from "./alibaba-rule.ts";
import type { Candidate } from "./candidate.ts";
import { Fields, fieldsOf } from "./fields.ts";
import { Unsayable } from "./finding.ts";
import type { Importer } from "./importer.ts";
import { joinPath } from "./json.ts";
import { compact, type PlainGroup, type PlainRule } from "./plain.ts";

/** Answers of DescribeSecurityGroupAttribute, one each or several in the wrapper of DescribeSecurityGroups. */
export function listAlibabaGroups(importer: Importer, roots: readonly Fields[]): readonly Candidate[] {
  return joinHeads(roots.flatMap(listGroups)).map((fields) => ({
    sourceId: fields.requireText("SecurityGroupId"),
    names: [fields.text("SecurityGroupName") ?? ""],
    place: fields.path,
    network: fields.text("VpcId") ?? null,
    read: (id) => readGroup(importer, fields, id),
  }));
}

/** DescribeSecurityGroups tells type and tags, DescribeSecurityGroupAttribute the rules: of one id, both count. */
function joinHeads(groups: readonly Fields[]): readonly Fields[] {
  const isHead = (fields: Fields): boolean => !fields.declares("Permissions");
  const heads = new Map(groups.filter(isHead).map((fields) => [fields.text("SecurityGroupId"), fields]));
  const whole = groups.filter((fields) => !isHead(fields));
  const known = new Set(whole.map((fields) => fields.text("SecurityGroupId")));
  const alone = [...heads].filter(([id]) => !known.has(id)).map(([, fields]) => fields);
  const joined = whole.map((fields) => {
    const head = heads.get(fields.text("SecurityGroupId"));
    return head === undefined ? fields : new Fields({ ...head.plain(), ...fields.plain() }, fields.path);
  });
  return [...joined, ...alone];
}

function listGroups(root: Fields): readonly Fields[] {
  const wrapper = root.value("SecurityGroups");
  if (wrapper === undefined) return [root];
  if (Array.isArray(wrapper)) return root.maps("SecurityGroups");
  return fieldsOf(wrapper, joinPath(root.path, "SecurityGroups")).maps("SecurityGroup");
}

/** The permissions of a group: a list, or a list in a map. @throws Unsayable where there is none at all */
function listPermissions(fields: Fields): readonly { readonly value: unknown; readonly path: string }[] {
  const path = joinPath(fields.path, "Permissions");
  const written = fields.value("Permissions");
  if (written === undefined && !fields.declares("Permissions"))
    throw new Unsayable(
      "missing-key",
      "`Permissions` is missing, so the rules are not there",
      "the answer of DescribeSecurityGroupAttribute",
    );
  const list = Array.isArray(written)
    ? { path, items: written as readonly unknown[] }
    : written === undefined
      ? { path, items: [] }
      : { path: joinPath(path, "Permission"), items: fieldsOf(written, path).list("Permission") };
  return list.items.map((value, index) => ({ value, path: joinPath(list.path, index) }));
}

function readGroup(importer: Importer, fields: Fields, id: string): PlainGroup {
  const spot = { place: fields.path, group: id };
  fields.skip("RegionId", "RequestId", "CreationTime", "EcsCount", "AvailableInstanceAmount");
  fields.skip(
    "ResourceGroupId",
    "ServiceManaged",
    "ServiceID",
    "RuleCount",
    "GroupToGroupRuleCount",
    "NextToken",
  );
  const type = readType(fields.text("SecurityGroupType"));
  const home: RuleHome = { id, type, networkType: importer.target.networkType };
  const head = {
    name: importer.text(fields.words("SecurityGroupName"), spot, "name"),
    description: importer.text(fields.words("Description"), spot, "description"),
  };
  const innerAccess = readInnerAccess(importer, fields, home);
  const rules = listPermissions(fields).flatMap(({ value, path }) => readOne(importer, value, path, home));
  const tags = readTags(importer, fields, id);
  for (const key of fields.unknown())
    importer.note(
      "unknown-key",
      { ...spot, place: joinPath(fields.path, key) },
      `the key ${quote(key)} is passed over`,
    );
  const { network } = importer.target;
  return compact<PlainGroup>({ ...head, type, network, innerAccess, tags, rules });
}

function readType(text: string | undefined): "basic" | "advanced" {
  switch (text?.toLowerCase()) {
    case undefined:
    case "normal":
    case "basic":
      return "basic";
    case "enterprise":
    case "advanced":
      return "advanced";
    default:
      throw new Unsayable(
        "bad-value",
        `\`SecurityGroupType: ${text}\` is not possible`,
        "normal or enterprise",
      );
  }
}

/** Members of a basic group reach each other only where the source says so: what is missing closes. */
function readInnerAccess(importer: Importer, fields: Fields, home: RuleHome): Policy | undefined {
  const written = fields.text("InnerAccessPolicy")?.toLowerCase();
  const spot = { place: joinPath(fields.path, "InnerAccessPolicy"), group: home.id };
  if (home.type === "advanced") {
    if (written === "accept")
      importer.leaveOut(
        "advanced-group",
        spot,
        "`InnerAccessPolicy: Accept` in an advanced group",
        "rules for it",
      );
    return undefined;
  }
  if (written === "accept" || written === "drop") return written;
  if (written !== undefined)
    throw new Unsayable("bad-value", `\`InnerAccessPolicy: ${written}\` is not possible`, "Accept or Drop");
  noteInnerAccess(importer, home.id, spot.place);
  return "drop";
}

function noteInnerAccess(importer: Importer, group: string, place: string): void {
  const message = "the source does not say whether members reach each other: `innerAccess: drop`";
  importer.note("source-default", { place, group }, message, "`innerAccess: accept` if they did");
}

function readTags(importer: Importer, fields: Fields, group: string): Record<string, string> | undefined {
  const written = fields.value("Tags");
  if (written === undefined) return undefined;
  const spot = { place: joinPath(fields.path, "Tags"), group };
  const tags = (Array.isArray(written) ? fields.maps("Tags") : fieldsOf(written, spot.place).maps("Tag")).map(
    (tag) => {
      const key = importer.text(tag.requireText("TagKey", "Key"), spot, "tag") ?? "";
      return [key, importer.text(tag.words("TagValue", "Value"), spot, "tag") ?? ""] as const;
    },
  );
  return tags.length === 0 ? undefined : Object.fromEntries(tags);
}

function readOne(importer: Importer, value: unknown, path: string, home: RuleHome): readonly PlainRule[] {
  const spot = { place: path, group: home.id };
  const opened = importer.attempt(spot, null, () => {
    const fields = new Fields(canonicalKeys(asRecord(value)), path);
    return [{ fields, policy: readRulePolicy(fields) }];
  });
  return opened.flatMap(({ fields, policy }) =>
    importer.attempt(spot, policy, () => [readAlibabaRule(importer, fields, home, policy)]),
  );
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new Unsayable("bad-file", "a rule is no map", "{...}");
}

/** A bare list of rules, of the console: it says nothing of the group, not even its id. */
export function listAlibabaRules(
  importer: Importer,
  rules: readonly { readonly value: unknown; readonly path: string }[],
  sourceId: string,
): readonly Candidate[] {
  const { network, networkType } = importer.target;
  const read = (id: string): PlainGroup => {
    const home: RuleHome = { id, type: "basic", networkType };
    importer.rulesOnly.add(id);
    if (!importer.target.groups.has(id)) noteInnerAccess(importer, id, "");
    const list = rules.flatMap(({ value, path }) => readOne(importer, value, path, home));
    return { type: "basic", network, innerAccess: "drop", rules: list };
  };
  return [{ sourceId, names: [], place: "", network: null, read }];
}
