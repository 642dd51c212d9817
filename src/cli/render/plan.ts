/** `plan` for people: what changes, whose verdicts differ and by which packet one sees it, which sessions end. */
import type { PlanReply } from "../../agent/protocol.ts";
import { cleanText } from "../../model/printable.ts";
import { formatCount } from "./format.ts";
import { formatEndpoint, formatRule } from "./packet.ts";
import { renderChanges } from "./plan-changes.ts";
import { renderEndingSessions } from "./plan-sessions.ts";
import { style, styleVerdict } from "./style.ts";
import { renderTable } from "./table.ts";

type Touched = PlanReply["interfaces"][number];
type Difference = PlanReply["differences"][number];
type Extent = Difference["packets"][number];
type TextList = Extent["remotes"];

/** Rows of a part that are shown; JSON has the rest. */
const shown = 20;

/** Parts with nothing in them are left out; what nothing changes says so. */
export function renderPlan(plan: PlanReply): string {
  const { changed, filesDiffer, notes } = plan;
  if (!changed) {
    const files = filesDiffer
      ? "The files differ in what no verdict hangs on (comments, places, order)."
      : "";
    return [...notes.map(cleanText), style.good("Nothing changes."), files].filter(Boolean).join("\n");
  }
  const parts = [
    notes.map(cleanText).join("\n"),
    renderChanges(plan.changes),
    renderTouched(plan),
    renderDifferences(plan),
    plan.sessions === null ? "" : renderEndingSessions(plan.sessions),
    renderTotals(plan),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function renderTouched({ interfaces, host }: PlanReply): string {
  if (interfaces.length === 0) return "";
  const where = host === null ? "of all hosts" : `of ${cleanText(host)}`;
  const title = style.title(`Interfaces touched, ${where}: ${formatCount(interfaces.length)}`);
  const table = renderTable(interfaces.slice(0, shown), [
    { title: "interface", value: ({ id }) => id },
    { title: "device", value: ({ device }) => device },
    { title: "because", value: ({ because }) => because.map(describeTouch).join(", ") },
    { title: "verdicts", value: describeVerdicts },
  ]);
  return [title, table, ...renderRest(interfaces.length - shown, "interfaces")].join("\n");
}

function describeTouch(touch: Touched["because"][number]): string {
  switch (touch) {
    case "added":
      return "it is protected from then on";
    case "removed":
      return style.bad("it leaves the rules: its device drops everything");
    case "settings":
      return "its own settings";
    case "rules":
      return "its rules";
    case "members":
      return "members of groups that its rules name";
    default:
      return touch satisfies never;
  }
}

function describeVerdicts({ because, differs }: Touched): string {
  if (because.includes("added") || because.includes("removed")) return "-";
  if (differs === null) return style.warning("not known");
  return differs ? style.warning("differ") : "stay";
}

function renderDifferences({ differences, moreDifferences, notCompared }: PlanReply): string {
  const all = differences.length + moreDifferences;
  const incomplete = notCompared.map(({ interfaces, direction }) => {
    const what = `  Not every difference is known of ${direction} at ${listIds(interfaces)}: the rules overlap in too many ways.`;
    return style.warning(what);
  });
  if (all === 0) return incomplete.length > 0 ? incomplete.join("\n") : style.title("No verdict differs.");
  const rows = differences.slice(0, shown).flatMap(renderDifference);
  const rest = renderRest(all - shown, "differences");
  const title = style.title(`Verdicts that differ: ${formatCount(all)}`);
  return [title, ...rows, ...rest, ...incomplete].join("\n");
}

function renderDifference(difference: Difference): string[] {
  const { before, after, direction, interfaces, packets, more, example } = difference;
  const head = `  ${styleVerdict(before.verdict)} → ${styleVerdict(after.verdict)}  ${direction} at ${listIds(interfaces)}`;
  const extents = packets.slice(0, 4).map((extent) => `    ${cleanText(describeExtent(extent, direction))}`);
  const left = packets.length - 4 + more;
  const by = `    by ${describeDecision(after)} instead of ${describeDecision(before)}`;
  return [
    head,
    ...extents,
    ...(left > 0 ? [style.aside(`    … and ${formatCount(left)} more kinds of packets`)] : []),
    cleanText(by),
    style.aside(cleanText(`    example: ${describeExample(example)}`)),
  ];
}

function listIds(ids: readonly string[]): string {
  const first = ids.slice(0, 4).map(cleanText).join(", ");
  return ids.length > 4 ? `${first} and ${formatCount(ids.length - 4)} more` : first;
}

function describeDecision({ reason, rule }: Difference["before"]): string {
  return rule === null ? reason : `${reason === "observed" ? "observed " : ""}${formatRule(rule)}`;
}

/** "tcp 443 from 0.0.0.0/0 except 10.0.0.5/32". */
export function describeExtent(extent: Extent, direction: Difference["direction"]): string {
  const { remotes, exceptRemotes, services, exceptServices, sourcePorts, locals, from, until } = extent;
  const [far, near] = direction === "egress" ? ["to", "from"] : ["from", "to"];
  return [
    services.list.includes("all") ? "everything" : joinTexts(services),
    ...(exceptServices.list.length === 0 ? [] : [`but ${joinTexts(exceptServices)},`]),
    `${far} ${joinTexts(remotes)}`,
    ...(exceptRemotes.list.length === 0 ? [] : [`except ${joinTexts(exceptRemotes)}`]),
    ...(locals === null ? [] : [`${near} ${joinTexts(locals)}`]),
    ...(sourcePorts === null ? [] : [`source port ${joinTexts(sourcePorts)}`]),
    ...(from === null ? [] : [`from ${from} on`]),
    ...(until === null ? [] : [`until ${until}`]),
  ].join(" ");
}

function joinTexts({ list, more }: TextList): string {
  const few = list.slice(0, 6);
  const left = list.length - few.length + more;
  return left > 0 ? `${few.join(", ")} and ${formatCount(left)} more` : few.join(", ");
}

function describeExample(example: Difference["example"]): string {
  const { direction, protocol, icmpType, icmpCode, time } = example;
  const local = formatEndpoint({ address: example.local, port: example.localPort });
  const remote = formatEndpoint({ address: example.remote, port: example.remotePort });
  const icmp = icmpType === null ? "" : ` type ${icmpType} code ${icmpCode ?? 0}`;
  const [source, destination] = direction === "egress" ? [local, remote] : [remote, local];
  const word = /^\d+$/.test(protocol) ? `protocol ${protocol}` : protocol;
  return `${word}${icmp} ${source} > ${destination}${time === null ? "" : ` at ${time}`}`;
}

function renderRest(left: number, what: string): string[] {
  return left > 0 ? [style.aside(`  … and ${formatCount(left)} more ${what} (-o json has them)`)] : [];
}

function renderTotals({ changes, interfaces, differences, moreDifferences, sessions }: PlanReply): string {
  const rules = (change: string) => changes.rules.filter((one) => one.change === change).length;
  const parts = [
    `rules ${formatCount(rules("added"))} added, ${formatCount(rules("removed"))} removed, ${formatCount(rules("modified"))} modified`,
    `interfaces touched ${formatCount(interfaces.length)}`,
    `differences of verdicts ${formatCount(differences.length + moreDifferences)}`,
    sessions === null
      ? "sessions not known without an agent"
      : `sessions that end ${formatCount(sessions.ends)} of ${formatCount(sessions.live)}`,
  ];
  return `${style.title("In all:")} ${parts.join("; ")}.`;
}
