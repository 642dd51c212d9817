/** Groups as a rules file, out and in: the form that keeps everything. */
import { Document, isMap, isSeq } from "yaml";
import { Diagnostics, formatDiagnostic } from "../model/diagnostic.ts";
import { writeGroup } from "../model/entry.ts";
import type { Group } from "../model/model.ts";
import { isGroupId, quote } from "../model/text.ts";
import { toPlain } from "../model/yaml/node.ts";
import { readYaml } from "../model/yaml/read.ts";
import { Source } from "../model/yaml/source.ts";
import type { Candidate } from "./candidate.ts";
import { type Fields, fieldsOf } from "./fields.ts";
import { Unsayable } from "./finding.ts";
import type { Importer } from "./importer.ts";
import { joinPath } from "./json.ts";
import type { PlainGroup, PlainPrefixList, PlainRule } from "./plain.ts";
import type { SourceFile } from "./translate.ts";

function toFile(groups: readonly Group[]) {
  return { version: 1, groups: Object.fromEntries(groups.map((group) => [group.id, writeGroup(group)])) };
}

export function writeNativeJson(groups: readonly Group[]): string {
  return `${JSON.stringify(toFile(groups), null, 2)}\n`;
}

/** A rule a line, as people write them. */
export function writeNativeYaml(groups: readonly Group[]): string {
  const document = new Document(toFile(groups), { aliasDuplicateObjects: false });
  for (const { id } of groups) {
    const rules = document.getIn(["groups", id, "rules"]);
    if (!isSeq(rules)) continue;
    for (const rule of rules.items) if (isMap(rule)) rule.flow = true;
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** Groups of a rules file (YAML or JSON). What they say is judged where they come to stand. */
export function listNative(importer: Importer, file: SourceFile): readonly Candidate[] {
  const root = readRoot(file);
  root.skip("version");
  const written = root.value("groups");
  if (written === undefined)
    throw new Unsayable("missing-key", "`groups` is missing", "a rules file with groups");
  for (const [id, list] of Object.entries((root.value("prefixLists") ?? {}) as Record<string, unknown>))
    importer.prefixLists.set(id, list as PlainPrefixList);
  for (const key of root.unknown())
    importer.note(
      "other-scope",
      { place: key, group: null },
      `${quote(key)} is passed over: only groups and lists come in`,
    );
  return Object.entries(fieldsOf(written, "groups").plain()).map(([sourceId, value]) => {
    const fields = fieldsOf(value, joinPath("groups", sourceId));
    return {
      sourceId,
      names: [],
      place: fields.path,
      network: fields.text("network") ?? null,
      read: (id) => readGroup(importer, fields, id),
    };
  });
}

function readRoot({ name, text }: SourceFile): Fields {
  const diagnostics = new Diagnostics();
  const steps = readYaml(new Source({ path: name, text }), diagnostics);
  let step = steps.next();
  while (!step.done) step = steps.next();
  const [first] = diagnostics.sorted([name]);
  if (first !== undefined && diagnostics.hasErrors) throw new Unsayable("bad-file", formatDiagnostic(first));
  return fieldsOf(step.value === undefined ? {} : toPlain(step.value), "");
}

function readGroup(importer: Importer, fields: Fields, id: string): PlainGroup {
  const spot = { place: fields.path, group: id };
  const { network } = importer.target;
  const from = fields.text("network");
  if (from !== undefined && from !== network)
    importer.note(
      "other-network",
      spot,
      `it was of network ${quote(from)}, and is of ${quote(network)} here`,
    );
  const rules = fields.maps("rules").flatMap((rule) => readRule(importer, rule, id));
  return { ...fields.plain(), network, rules } as unknown as PlainGroup;
}

/** A rule as it is, where the group or list that it names is there. */
function readRule(importer: Importer, fields: Fields, group: string): readonly PlainRule[] {
  const spot = { place: fields.path, group };
  const policy = fields.value("policy") === "accept" ? "accept" : null;
  return importer.attempt(spot, policy, () => {
    const remote = fields.text("remote") ?? "";
    const named = isGroupId(remote) ? importer.groupRemote(remote) : remote;
    return [{ ...fields.plain(), remote: named } as unknown as PlainRule];
  });
}
