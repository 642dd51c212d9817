/** Live sessions that a change ends: how many at each interface, by which rule, and the biggest of them. */
import type { PlannedSessions } from "../../agent/protocol.ts";
import { formatAge, formatBytes, formatCount } from "./format.ts";
import { formatEndpoint, formatRule } from "./packet.ts";
import { style } from "./style.ts";
import { renderTable } from "./table.ts";

type Ending = PlannedSessions["list"][number];

/** Rows of the tables of interfaces, peers and rules; JSON has the rest. */
const shown = 10;

export function renderEndingSessions(sessions: PlannedSessions): string {
  const { ends, live, resumes, establishedSessions } = sessions;
  const kept = establishedSessions === "keep" ? " (establishedSessions: keep)" : "";
  const again = resumes === 0 ? [] : [`${formatCount(resumes)} revoked sessions go on again.`];
  if (ends === 0)
    return [style.title(`No live session of ${formatCount(live)} ends${kept}.`), ...again].join("\n");
  const title = style.title(`Live sessions that end: ${formatCount(ends)} of ${formatCount(live)}${kept}`);
  return [title, ...again, renderInterfaces(sessions), renderRules(sessions), renderList(sessions)].join(
    "\n\n",
  );
}

function renderInterfaces({ interfaces }: PlannedSessions): string {
  const table = renderTable(interfaces.slice(0, shown), [
    { title: "interface", value: (row) => row.interface },
    { title: "ends", value: (row) => formatCount(row.ends), align: "right" },
    { title: "of", value: (row) => formatCount(row.live), align: "right" },
    { title: "bytes", value: (row) => formatBytes(row.bytes), align: "right" },
  ]);
  return [table, ...renderRest(interfaces.length - shown)].join("\n");
}

function renderRules({ rules }: PlannedSessions): string {
  const table = renderTable(rules.slice(0, shown), [
    { title: "ended by", value: describeEnd },
    { title: "sessions", value: (row) => formatCount(row.ends), align: "right" },
    { title: "bytes", value: (row) => formatBytes(row.bytes), align: "right" },
  ]);
  return [table, ...renderRest(rules.length - shown)].join("\n");
}

function renderList({ list, more }: PlannedSessions): string {
  const table = renderTable(list, [
    { title: "interface", value: (session) => session.interface },
    { title: "protocol", value: (session) => session.protocol },
    {
      title: "peer",
      value: ({ remote, remotePort }) => formatEndpoint({ address: remote, port: remotePort }),
    },
    {
      title: "own end",
      value: ({ local, localPort }) => formatEndpoint({ address: local, port: localPort }),
    },
    { title: "opened", value: ({ origin }) => (origin === "ingress" ? "by the peer" : "by the guest") },
    { title: "age", value: (session) => formatAge(session.ageSeconds), align: "right" },
    { title: "bytes", value: (session) => formatBytes(session.bytes), align: "right" },
    { title: "let in by", value: ({ rule, reason }) => (rule === null ? reason : formatRule(rule)) },
    { title: "ended by", value: ({ end }) => describeEnd(end) },
  ]);
  const hint = more > 0 ? [style.aside(`… and ${formatCount(more)} more: --sessions lists them`)] : [];
  return [table, ...hint].join("\n");
}

function describeEnd({ rule, reason }: Ending["end"]): string {
  return rule === null ? reason : formatRule(rule);
}

function renderRest(left: number): string[] {
  return left > 0 ? [style.aside(`… and ${formatCount(left)} more (-o json has them)`)] : [];
}
