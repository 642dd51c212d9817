/**
 * The JSON of `openstack security group rule list`, with or without `--long`, and of `security group show`; the
 * network API's own answers too. All rules accept; what none allows is dropped in both directions, among
 * members too. A rule is of one family (`ethertype`). Meaning of the keys: Neutron's API reference.
 */
import { quote } from "../model/text.ts";
import { closedDefaults } from "./aws.ts";
import type { Candidate } from "./candidate.ts";
import { type Fields, fieldsOf } from "./fields.ts";
import { Unsayable } from "./finding.ts";
import type { Importer } from "./importer.ts";
import { joinPath } from "./json.ts";
import { readOpenstackRule } from "./openstack-rule.ts";
import { compact, type PlainGroup, type PlainRule } from "./plain.ts";

const groupColumns = ["Security Group", "security_group_id"] as const;

/** `security group rule list -f json`: rules of one group or many; `fallback` where no column names it. */
export function listOpenstackRules(
  importer: Importer,
  rules: readonly unknown[],
  path: string,
  fallback: string | null,
): readonly Candidate[] {
  const byGroup = new Map<string, Fields[]>(rules.length === 0 && fallback !== null ? [[fallback, []]] : []);
  for (const [index, value] of rules.entries()) {
    const rule = fieldsOf(value, joinPath(path, index));
    const sourceId = rule.text(...groupColumns) ?? fallback;
    if (sourceId === null)
      throw new Unsayable("missing-key", "the rules do not name their group", "--name and an id");
    const listed = byGroup.get(sourceId) ?? [];
    listed.push(rule);
    byGroup.set(sourceId, listed);
  }
  const { network } = importer.target;
  return [...byGroup].map(([sourceId, listed]) => ({
    sourceId,
    names: [],
    place: path,
    network: null,
    read: (id) => ({
      type: "basic",
      network,
      ...closedDefaults,
      rules: mergeFamilies(listed.flatMap((rule) => readRule(importer, rule, id, false))),
    }),
  }));
}

/** `security group show -f json`, or the API's `security_group` and `security_groups`. */
export function listOpenstackGroups(importer: Importer, root: Fields): readonly Candidate[] {
  return listGroups(root).map((fields) => ({
    sourceId: fields.requireText("id"),
    names: [fields.text("name") ?? ""],
    place: fields.path,
    network: null,
    read: (id) => readGroup(importer, fields, id),
  }));
}

function listGroups(root: Fields): readonly Fields[] {
  if (root.has("security_groups")) return root.maps("security_groups");
  const one = root.value("security_group");
  return one === undefined ? [root] : [fieldsOf(one, joinPath(root.path, "security_group"))];
}

function readGroup(importer: Importer, fields: Fields, id: string): PlainGroup {
  const spot = { place: fields.path, group: id };
  fields.skip(
    "project_id",
    "tenant_id",
    "created_at",
    "updated_at",
    "revision_number",
    "is_shared",
    "shared",
  );
  fields.skip("location", "standard_attr_id", "is_default");
  if (fields.truth("stateful") === false)
    importer.refuse("stateless", spot, "a stateless group: its replies need rules, here they need none");
  const tags = readTags(importer, fields, id);
  const head = {
    name: importer.text(fields.words("name"), spot, "name"),
    description: importer.text(fields.words("description"), spot, "description"),
  };
  const { sparse, list } = listRules(fields);
  const rules = list.flatMap((rule) => readRule(importer, rule, id, sparse));
  for (const key of fields.unknown())
    importer.note(
      "unknown-key",
      { ...spot, place: joinPath(fields.path, key) },
      `the key ${quote(key)} is passed over`,
    );
  const { network } = importer.target;
  return compact<PlainGroup>({
    ...head,
    type: "basic",
    network,
    ...closedDefaults,
    tags,
    rules: mergeFamilies(rules),
  });
}

/** Neutron's tags are words; here a tag has a value too. */
function readTags(importer: Importer, fields: Fields, group: string): Record<string, string> | undefined {
  const spot = { place: joinPath(fields.path, "tags"), group };
  const tags = fields.list("tags").map((tag) => [importer.text(String(tag), spot, "tag") ?? "", ""] as const);
  return tags.length === 0 ? undefined : Object.fromEntries(tags);
}

/** The rules: a list of maps, or the text of lines `key='value', …` that older clients print. */
function listRules(fields: Fields): { readonly sparse: boolean; readonly list: readonly Fields[] } {
  const key = fields.declares("rules") ? "rules" : "security_group_rules";
  if (!fields.declares(key))
    throw new Unsayable("missing-key", "`rules` is missing: the rules are not there");
  const written = fields.value(key);
  if (typeof written !== "string") return { sparse: false, list: fields.maps(key) };
  const path = joinPath(fields.path, key);
  const lines = written.split("\n").filter((line) => line.trim() !== "");
  return { sparse: true, list: lines.map((line, index) => fieldsOf(parseLine(line), joinPath(path, index))) };
}

const pair = /\s*([a-z_]+)='([^']*)'\s*(?:,|$)/y;

function parseLine(line: string): Record<string, string> {
  const pairs: [string, string][] = [];
  pair.lastIndex = 0;
  while (pair.lastIndex < line.length) {
    const found = pair.exec(line);
    if (found === null) throw new Unsayable("bad-file", `${quote(line)} is no rule`, "key='value', ...");
    pairs.push([found[1] ?? "", found[2] ?? ""]);
  }
  return Object.fromEntries(pairs);
}

function readRule(importer: Importer, fields: Fields, group: string, sparse: boolean): readonly PlainRule[] {
  fields.skip(...groupColumns);
  const spot = { place: fields.path, group };
  return importer.attempt(spot, "accept", () => readOpenstackRule(importer, fields, spot, sparse));
}

const everyAddress: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0/0", "::/0"],
  ["::/0", "0.0.0.0/0"],
]);

/**
 * Rules that name a group hold for one family, said by `local` of every address. Where the twin of the other
 * family is there too, the two are one rule without `local`.
 */
function mergeFamilies(rules: readonly PlainRule[]): readonly PlainRule[] {
  const kept: (PlainRule | null)[] = [...rules];
  const byKey = new Map<string, number>();
  for (const [index, rule] of rules.entries()) {
    const { local, id: _, ...rest } = rule;
    const other = local === undefined || rule.remote.includes("/") ? undefined : everyAddress.get(local);
    if (local === undefined || other === undefined) continue;
    const twin = byKey.get(JSON.stringify([other, rest]));
    if (twin === undefined || kept[twin] === null || kept[twin]?.local === undefined) {
      byKey.set(JSON.stringify([local, rest]), index);
      continue;
    }
    const { local: __, ...merged } = kept[twin] ?? rule;
    kept[twin] = merged;
    kept[index] = null;
  }
  return kept.flatMap((rule) => rule ?? []);
}
