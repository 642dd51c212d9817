/** What a command line names: groups, networks, prefix lists; and who uses them. */
import { formatPlace } from "../model/diagnostic.ts";
import type { Group, Interface, Model, Network, Place, PrefixList, Rule } from "../model/model.ts";
import { nearestWord } from "../model/nearest.ts";
import { describeRule } from "../model/rule.ts";
import { checkId, type IdKind, withArticle } from "../model/text.ts";
import { type CliError, refusal, usageError } from "./exit.ts";

function unknown(kind: string, id: string, known: ReadonlyMap<string, unknown>): CliError {
  const near = nearestWord(id, known.keys());
  const all = [...known.keys()];
  const few =
    all.length === 0
      ? "there is none"
      : `there are ${all.slice(0, 10).join(", ")}${all.length > 10 ? ", …" : ""}`;
  return refusal(`There is no ${kind} ${id}: ${near === null ? few : `write ${near}`}.`);
}

/** @throws CliError naming the nearest one */
export function requireGroup(model: Model, id: string): Group {
  const group = model.groups.get(id);
  if (group === undefined) throw unknown("group", id, model.groups);
  return group;
}

/** @throws CliError naming the nearest one */
export function requirePrefixList(model: Model, id: string): PrefixList {
  const list = model.prefixLists.get(id);
  if (list === undefined) throw unknown("prefix list", id, model.prefixLists);
  return list;
}

/** The network of this name; where none is named, the only one. @throws CliError */
export function requireNetwork(model: Model, id: string | undefined): Network {
  const [only, ...more] = model.networks.values();
  if (id === undefined && only !== undefined && more.length === 0) return only;
  if (only === undefined)
    throw (id === undefined ? usageError : refusal)(
      `The rules have no network: write \`networks: {${id ?? "vpc-a"}: {type: vpc}}\` into them first.`,
    );
  if (id === undefined) {
    throw usageError(`Which network? Write --network, one of ${[...model.networks.keys()].join(", ")}.`);
  }
  const network = model.networks.get(id);
  if (network === undefined) throw unknown("network", id, model.networks);
  return network;
}

/** An id that is legal and not taken. @throws CliError */
export function requireFree(
  kind: IdKind,
  id: string,
  known: ReadonlyMap<string, { readonly place: Place | null }>,
): void {
  const checked = checkId(kind, id);
  if (!checked.ok) throw usageError(`${checked.problem.message}.`);
  const taken = known.get(id);
  if (taken === undefined) return;
  throw refusal(`There is ${withArticle(kind)} ${id} already${at(taken.place)}: write another id.`);
}

/** " (rules.yaml:12:5)", or nothing for what no file holds. */
export function at(place: Place | null): string {
  return place === null ? "" : ` (${formatPlace(place)})`;
}

/** The interfaces in a group, in the order of the files. */
export function membersOf(model: Model, group: string): readonly Interface[] {
  return [...model.interfaces.values()].filter(({ groups }) => groups.includes(group));
}

export interface RuleUse {
  readonly group: string;
  readonly rule: Rule;
}

/** Rules whose authorization object this is, in all groups but `group` itself. */
export function usesOf(model: Model, id: string): readonly RuleUse[] {
  return [...model.groups.values()].flatMap(({ id: group, rules }) =>
    rules
      .filter(
        ({ remote }) =>
          (remote.kind === "group" && remote.group === id) ||
          (remote.kind === "prefix-list" && remote.list === id),
      )
      .map((rule) => ({ group, rule })),
  );
}

/** A line a user: `sg-db, rule 0: ingress accept tcp 5432/5432 from sg-web (rules.yaml:15:9)`. */
export function describeUses(uses: readonly RuleUse[]): string[] {
  return uses.map(
    ({ group, rule }) =>
      `  ${group}, rule ${rule.id ?? `#${rule.index}`}: ${describeRule(rule)}${at(rule.place)}`,
  );
}

/** A line a member: `eni-web-1 (i-web-1, tap101i0)`. */
export function describeMembers(members: readonly Interface[]): string[] {
  return members.map(({ id, instance, device, place }) => `  ${id} (${instance}, ${device})${at(place)}`);
}

/** Words of a list on the command line: `a,b` is two. @throws CliError where commas alone stand there */
export function splitWords(option: string, text: string | undefined): string[] | undefined {
  const words = text
    ?.split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  if (words?.length === 0) throw usageError(`--${option} ${text}: write what is meant, or leave it out.`);
  return words;
}
