/** A group from a file: a rules file, or the group alone as `group export` writes it. */
import { findEntry, type MapNode, toPlain, type YamlNode } from "../../model/yaml/node.ts";
import type { PlainValue } from "../../store/edit.ts";
import { refusal } from "../exit.ts";
import { readYamlFile } from "../read-yaml.ts";

/** @throws CliError where the file cannot be read, or has no group or several that could be meant */
export function readBackup(path: string, group: string): PlainValue {
  const root = readNodes(path);
  const groups = findEntry(root, "groups")?.value;
  const holder = groups?.kind === "map" ? groups : root;
  if (findEntry(holder, "rules") !== undefined) return plain(holder);
  const candidates = holder.entries.filter(({ value }) => findEntry(value, "rules") !== undefined);
  const [only, ...more] = candidates;
  const named = candidates.find(({ key }) => key === group) ?? (more.length === 0 ? only : undefined);
  if (named !== undefined) return plain(named.value);
  const found = candidates.map(({ key }) => key).join(", ");
  throw refusal(
    only === undefined
      ? `${path} has no group with rules: name a file that \`ringwall group export\` wrote.`
      : `${path} has several groups and none is ${group}: it has ${found}.`,
  );
}

function plain(node: YamlNode): PlainValue {
  return toPlain(node) as PlainValue; // Scalars, lists and maps are all that YAML nodes become.
}

function readNodes(path: string): MapNode {
  const { root } = readYamlFile(path);
  if (root?.kind !== "map")
    throw refusal(`${path} has no group: name a file that \`ringwall group export\` wrote.`);
  return root;
}
