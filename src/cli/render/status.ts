import type { InterfaceStatus, ProofStatus, StatusReply, WaitingChange } from "../../agent/protocol.ts";
import { formatAge, formatAgo, formatCount, formatFill, formatNumberOf } from "./format.ts";
import { style } from "./style.ts";
import { renderTable } from "./table.ts";

/** `status` for people: what is in force, each interface, full tables, and last what is wrong. */
export function renderStatus(status: StatusReply, now: number): string {
  const parts = [
    renderHead(status, now),
    renderDifferences(status.proof),
    renderInterfaces(status),
    renderForwarding(status),
    renderUplinks(status),
    renderMaps(status),
  ];
  return [...parts, renderProblems(status)].filter((part) => part !== "").join("\n\n");
}

function renderHead({ agent, policy, proof }: StatusReply, now: number): string {
  const { waiting } = policy;
  const applied = policy.applied === null ? "never applied" : `applied ${formatAgo(policy.applied, now)}`;
  return [
    `${style.title("agent")}   ${agent.version} on ${agent.host}, kernel ${agent.kernel}, pid ${agent.pid}, started ${formatAgo(agent.started, now)}`,
    `${style.title("rules")}   revision ${policy.revision}, ${applied}, from ${policy.store}`,
    `        ${formatNumberOf(policy.groups, "group")}, ${formatNumberOf(policy.rules, "rule")}, ${formatNumberOf(policy.interfaces, "interface")} of all hosts`,
    ...(waiting === null ? [] : [renderWaiting(waiting)]),
    `${style.title("proof")}   ${renderProof(proof, now)}`,
  ].join("\n");
}

function renderWaiting({ revision, remainingSeconds, until }: WaitingChange): string {
  const when = `in ${formatAge(remainingSeconds)}, at ${until}`;
  return `${style.warning("waiting")} revision ${revision} goes back by itself ${when}: \`ringwall confirm\` keeps it`;
}

function renderProof({ interfaces, of, verified }: ProofStatus, now: number): string {
  const proven = `${formatCount(interfaces)} of ${formatCount(of)} interfaces run a proven policy`;
  const count = interfaces === of ? proven : style.bad(proven);
  if (verified === null) return `${count}, not verified since the start`;
  return `${count}, verified ${formatAgo(verified.time, now)} in ${(verified.seconds * 1000).toFixed(0)} ms`;
}

/** What the last verification found; older ones are among the problems. */
function renderDifferences({ verified }: ProofStatus): string {
  if (verified === null || verified.differences.length === 0) return "";
  return renderTable(verified.differences, [
    { title: "changed map", value: ({ map }) => map },
    { title: "interfaces", value: ({ interfaces }) => interfaces.join(" ") || "-" },
    { title: "now", value: ({ mended }) => (mended ? style.good("mended") : style.bad("NOT mended")) },
    { title: "what it was", value: ({ message }) => message },
  ]);
}

function renderInterfaces({ interfaces }: StatusReply): string {
  if (interfaces.length === 0) return "No interface of the rules is on this host.";
  return renderTable(interfaces, [
    { title: "interface", value: ({ id }) => id },
    { title: "instance", value: ({ instance }) => instance },
    {
      title: "device",
      value: ({ device, ifindex }) => (ifindex === null ? device : `${device} (${ifindex})`),
    },
    { title: "state", value: ({ state }) => styleState(state) },
    { title: "attached", value: renderAttachment },
    { title: "groups", value: ({ groups }) => groups.join(" ") },
    { title: "sessions", value: renderFullest },
  ]);
}

function styleState(state: InterfaceStatus["state"]): string {
  switch (state) {
    case "enforcing":
      return style.good(state);
    case "observing":
    case "not-ready":
      return style.warning(state);
    case "failed":
      return style.bad(state);
    case "absent":
      return style.aside(state);
    default:
      return state satisfies never;
  }
}

function renderAttachment({ mode, programs }: InterfaceStatus): string {
  const hooks = [
    programs.xdp === null ? [] : ["xdp"],
    programs.tcIngress === null ? [] : ["tc ingress"],
    programs.tcEgress === null ? [] : ["tc egress"],
  ].flat();
  return hooks.length === 0 ? "-" : `${mode ?? "?"}: ${hooks.join(", ")}`;
}

/** Networks that ask for direct forwarding: what of it is done, and why not all. */
function renderForwarding({ interfaces }: StatusReply): string {
  const asking = interfaces.filter(({ forwarding }) => forwarding.wanted === "direct");
  if (asking.length === 0) return "";
  const ways = { kernel: "by the bridge", tc: "direct, with skbs", xdp: "direct" };
  return renderTable(asking, [
    { title: "forwarding to", value: ({ id }) => id },
    {
      title: "goes",
      value: ({ forwarding: { now } }) =>
        now === "kernel" ? style.warning(ways[now]) : style.good(ways[now]),
    },
    { title: "because", value: ({ forwarding }) => forwarding.reason ?? "" },
  ]);
}

/** The table that is fullest is the one that matters. */
function renderFullest({ sessions }: InterfaceStatus): string {
  const counted = sessions.filter(({ entries, limit }) => entries !== null && limit > 0);
  const [first, ...rest] = counted.map(({ table, entries, limit }) => ({
    table,
    entries: entries ?? 0,
    limit,
  }));
  if (first === undefined) return "not counted yet";
  const fullest = rest.reduce(
    (most, one) => (one.entries / one.limit > most.entries / most.limit ? one : most),
    first,
  );
  const early = sessions.reduce((sum, { evictedEarly }) => sum + evictedEarly, 0);
  const fill = `${fullest.table} ${formatFill(fullest.entries, fullest.limit)}`;
  return early === 0 ? fill : `${fill}, ${formatCount(early)} evicted alive`;
}

function renderUplinks({ uplinks }: StatusReply): string {
  if (uplinks.length === 0) return "";
  return renderTable(uplinks, [
    { title: "uplink", value: ({ device }) => device },
    { title: "attached", value: ({ mode }) => mode ?? "-" },
    { title: "addresses judged early", value: ({ addresses }) => formatCount(addresses), align: "right" },
  ]);
}

function renderMaps({ maps }: StatusReply): string {
  const used = maps.filter(({ entries }) => entries > 0);
  if (used.length === 0) return "";
  return renderTable(used, [
    { title: "map", value: ({ map }) => map },
    { title: "in use", value: ({ entries, capacity }) => formatFill(entries, capacity) },
  ]);
}

/** Everything that is wrong, in one list: what the JSON has at its places. */
export function listProblems(status: StatusReply): string[] {
  const { interfaces, uplinks, removed, policy, problems } = status;
  return [
    ...problems,
    ...interfaces.flatMap(({ id, problem }) => (problem === null ? [] : [`${id}: ${problem}`])),
    ...uplinks.flatMap(({ device, problem }) => (problem === null ? [] : [`uplink ${device}: ${problem}`])),
    ...removed.map(
      ({ device }) => `${device}: its interface left the rules; it drops everything until it goes`,
    ),
    ...(policy.refused?.messages.map((message) => `the last change was refused: ${message}`) ?? []),
  ];
}

function renderProblems(status: StatusReply): string {
  const problems = listProblems(status);
  if (problems.length === 0) return style.good("Nothing is wrong.");
  return [style.bad("Wrong:"), ...problems.map((problem) => `  ${problem}`)].join("\n");
}
