/**
 * Proxmox VE's firewall files. There the first rule that matches decides; here the smallest priority, and drop at
 * equal ones. So rules get ascending priorities, one for each run of equal policy. A guest's file becomes a
 * group, with the cluster's groups that it names in their places; a cluster's file alone becomes its groups.
 * What the lines mean: the manual of pve-firewall.
 */
import type { Policy } from "../model/model.ts";
import { priorityMax } from "../model/rule.ts";
import { quote } from "../model/text.ts";
import { Unsayable } from "./finding.ts";
import type { Importer } from "./importer.ts";
import { compact, type PlainGroup, type PlainRule } from "./plain.ts";
import { type FirewallFile, type Option, readOptions, readSections } from "./proxmox-file.ts";
import { Scope } from "./proxmox-names.ts";
import { RuleReader, type Sides } from "./proxmox-reader.ts";
import type { Unranked } from "./proxmox-rule.ts";
import type { SourceFile } from "./translate.ts";

/** `cluster.fw`, one `VMID.fw`, or both. @throws Unsayable for files that are neither */
export function importProxmox(importer: Importer, files: readonly SourceFile[]): void {
  const read = files.map(readFile);
  const clusters = read.filter(({ of }) => of === "cluster");
  const guests = read.filter(({ of }) => of !== "cluster");
  const [cluster = null, guest = null] = [clusters[0] ?? null, guests[0] ?? null];
  if (clusters.length > 1 || guests.length > 1)
    throw new Unsayable("bad-file", `${read.length} firewall files`, "cluster.fw and one VMID.fw");
  const clusterScope = cluster === null ? null : new Scope(cluster.sections, "pl-");
  if (guest !== null) importGuest(importer, guest, cluster, clusterScope);
  else if (cluster !== null && clusterScope !== null) importCluster(importer, cluster, clusterScope);
}

function readFile({ name, text }: SourceFile): FirewallFile {
  const base = name.replace(/^.*\//, "");
  if (/^host\.fw$/i.test(base))
    throw new Unsayable("other-scope", "host.fw is about a host", "VMID.fw, cluster.fw");
  const sections = readSections(base, text);
  const hasGroups = sections.some(({ kind }) => kind === "group");
  const guest = /^(\d+)\.fw$/.exec(base)?.[1];
  const of = guest ?? (hasGroups || /^cluster\.fw$/i.test(base) ? "cluster" : null);
  return { name: base, of, sections, options: readOptions(sections) };
}

const optionOf = (file: FirewallFile | null, key: string): Option | undefined =>
  file?.options.findLast((option) => option.key === key);

/** Options that say nothing of rules, with what holds here instead. */
const otherOptions: Readonly<Record<string, string>> = {
  dhcp: "DHCP as a client always works",
  ndp: "neighbour discovery always works",
  radv: "a guest never sends router advertisements",
  macfilter: "an interface's `antiSpoofing` decides",
  ipfilter: "an interface's addresses decide",
  log_level_in: "drops are counted and sampled",
  log_level_out: "drops are counted and sampled",
  log_level_forward: "drops are counted and sampled",
};

function importGuest(
  importer: Importer,
  guest: FirewallFile,
  cluster: FirewallFile | null,
  clusterScope: Scope | null,
): void {
  const sourceId = guest.of === null ? importer.target.name : `vm${guest.of}`;
  if (sourceId === null)
    throw new Unsayable("missing-key", `${quote(guest.name)} does not name a guest`, "--name and an id");
  const id = importer.declareGroup(sourceId, "");
  importer.checkWanted([[sourceId, guest.of ?? ""]]);
  const guestScope = new Scope(guest.sections, `pl-${guest.of === null ? "" : `vm${guest.of}-`}`);
  const reader = new RuleReader(importer, id, guestScope, cluster, clusterScope);
  const lines = guest.sections.filter(({ kind }) => kind === "rules").flatMap((section) => section.lines);
  noteGuestOptions(importer, guest, cluster, id);
  const sides = reader.read(lines);
  const policyIn = readPolicy(importer, optionOf(guest, "policy_in"), id) ?? "drop";
  const policyOut = readPolicy(importer, optionOf(guest, "policy_out"), id) ?? "accept";
  const open = policyIn === "accept" ? openIngress : [];
  importer.groups.set(
    id,
    finishGroup(importer, id, { ...sides, ingress: [...sides.ingress, ...open] }, policyOut),
  );
  noteUnusedSets(importer, [guestScope], id);
}

const openIngress: readonly Unranked[] = (["0.0.0.0/0", "::/0"] as const).map((remote) => ({
  direction: "ingress",
  policy: "accept",
  protocol: "all",
  remote,
  description: "policy_in: ACCEPT",
}));

function noteGuestOptions(
  importer: Importer,
  guest: FirewallFile,
  cluster: FirewallFile | null,
  group: string,
): void {
  for (const file of [cluster, guest])
    if (file !== null && optionOf(file, "enable")?.value !== "1")
      importer.note(
        "firewall-off",
        { place: file.name, group },
        "the firewall is off there; the rules hold here",
      );
  const read = ["enable", "policy_in", "policy_out"];
  for (const { key, at } of guest.options.filter((option) => !read.includes(option.key))) {
    const spot = { place: at, group };
    const instead = Object.hasOwn(otherOptions, key) ? otherOptions[key] : undefined;
    if (instead === undefined) importer.note("unknown-key", spot, `the option ${quote(key)} is passed over`);
    else importer.note("source-option", spot, `\`${key}\` is no matter of groups: ${instead}`);
  }
}

function readPolicy(importer: Importer, option: Option | undefined, group: string): Policy | undefined {
  const value = option?.value.toUpperCase();
  switch (value) {
    case undefined:
      return undefined;
    case "ACCEPT":
      return "accept";
    case "REJECT":
      importer.note("reject", { place: option?.at ?? "", group }, "the policy REJECT is a drop here");
      return "drop";
    case "DROP":
      return "drop";
    default:
      throw new Unsayable("bad-value", `${option?.at}: ${quote(value ?? "")} is no policy`, "ACCEPT or DROP");
  }
}

/**
 * Each of the cluster's groups alone. What its rules do not match is the matter of the guest that names it, which
 * is not here: so nothing more is open, in both directions.
 */
function importCluster(importer: Importer, cluster: FirewallFile, scope: Scope): void {
  const groups = cluster.sections.filter(({ kind }) => kind === "group");
  const wanted = groups.filter(({ name }) => importer.wants(name));
  const declared = wanted.map((section) => ({
    section,
    id: importer.declareGroup(section.name, section.at),
  }));
  importer.checkWanted(groups.map(({ name }) => [name]));
  for (const { section, id } of declared) {
    const spot = { place: section.at, group: id };
    const reader = new RuleReader(importer, id, null, cluster, scope);
    const sides = reader.read(section.lines);
    const description = importer.text(section.comment, spot, "description");
    const message =
      "a group says nothing of what its rules do not match: dropped in, as guests have it by default";
    importer.note("source-default", spot, message, "the guest's own file beside cluster.fw");
    importer.groups.set(id, { ...finishGroup(importer, id, sides, "drop"), ...compact({ description }) });
  }
  const spot = { place: "", group: null };
  if (cluster.sections.some(({ kind, lines }) => kind === "rules" && lines.length > 0))
    importer.note(
      "other-scope",
      spot,
      "the rules of [RULES] protect hosts, not guests: they are passed over",
    );
  for (const { key, at } of cluster.options)
    importer.note("other-scope", { place: at, group: null }, `the option ${quote(key)} is the cluster's`);
  noteUnusedSets(importer, [scope], null);
}

function noteUnusedSets(importer: Importer, scopes: readonly Scope[], group: string | null): void {
  for (const { sets, lists } of scopes)
    for (const [name, section] of sets)
      if (!lists.has(section)) {
        const spot = { place: section.at, group };
        importer.note("ignored-value", spot, `no rule names the IP set ${quote(name)}: it is passed over`);
      }
}

function finishGroup(importer: Importer, id: string, sides: Sides, egress: Policy): PlainGroup {
  const rules = [...rank(importer, id, sides.ingress), ...rank(importer, id, sides.egress)];
  const { network } = importer.target;
  const defaultEgress = egress === "drop" ? egress : undefined;
  return compact<PlainGroup>({ type: "basic", network, innerAccess: "drop", defaultEgress, rules });
}

/**
 * Priorities for rules of which the first that matches decides. A run of drops and the run of accepts behind it
 * may share one, because drop decides there; they do only where there are not enough.
 */
function rank(importer: Importer, id: string, rules: readonly Unranked[]): readonly PlainRule[] {
  const changes = rules.filter((rule, index) => index > 0 && rule.policy !== rules[index - 1]?.policy);
  const shares = changes.length + 1 > priorityMax;
  let priority = 1;
  const ranked = rules.map((rule, index) => {
    const before = rules[index - 1]?.policy ?? rule.policy;
    if (rule.policy !== before && !(shares && rule.policy === "accept")) priority += 1;
    return { ...rule, priority };
  });
  if (priority > priorityMax)
    importer.refuse(
      "too-many-runs",
      { place: "", group: id },
      `${changes.length + 1} changes between accept and drop, ${priorityMax} priorities`,
      "rules of equal policy together",
    );
  // Rules of one policy need no order.
  return priority === 1 && changes.length === 0 ? rules : ranked;
}
