/** The history for people: who made which revision, what one changed, and going back to it. */
import type { HistoryReply, Origin } from "../../agent/protocol.ts";
import { cleanText } from "../../model/printable.ts";
import type { RevisionRecord } from "../commands/history.ts";
import type { RollbackRecord } from "../commands/rollback.ts";
import { formatAgo, formatBytes, formatCount } from "./format.ts";
import { renderPlan } from "./plan.ts";
import { style } from "./style.ts";
import { renderTable } from "./table.ts";
import { renderWaiting } from "./waiting.ts";

/** `now`: milliseconds since 1970. */
export function renderHistory({ revisions, damaged, inForce }: HistoryReply, now: number): string {
  const wrong = damaged.map((text) => style.bad(cleanText(text)));
  if (revisions.length === 0) return ["No revision is kept yet.", ...wrong].join("\n");
  const table = renderTable(revisions, [
    {
      title: "revision",
      value: ({ revision }) => (revision === inForce ? style.good(`${revision} in force`) : `${revision}`),
    },
    { title: "when", value: ({ time }) => `${time} (${formatAgo(time, now)})` },
    { title: "by", value: ({ by }) => describeOrigin(by) },
    { title: "groups", value: ({ counts }) => formatCount(counts.groups), align: "right" },
    { title: "rules", value: ({ counts }) => formatCount(counts.rules), align: "right" },
    { title: "interfaces", value: ({ counts }) => formatCount(counts.interfaces), align: "right" },
    { title: "files", value: ({ counts }) => formatCount(counts.files), align: "right" },
    { title: "size", value: ({ bytes }) => formatBytes(bytes), align: "right" },
    { title: "digest", value: ({ digest }) => digest.slice(0, 12) },
  ]);
  return [table, ...wrong].join("\n");
}

/** `now`: milliseconds since 1970. */
export function renderRevision({ revision, time, by, before, plan }: RevisionRecord, now: number): string {
  const head = `${style.title(`Revision ${revision}`)}, ${cleanText(time)} (${formatAgo(time, now)}), by ${describeOrigin(by)}`;
  if (plan === null) return `${head}\nNothing before it is kept, so what it changed is not known.`;
  return `${head}; against revision ${before}:\n\n${renderPlan(plan)}`;
}

export function renderRollback({ of, plan, applied }: RollbackRecord): string {
  const shown = renderPlan(plan);
  if (applied === null) return `${shown}\n\nNothing was changed: --dry-run.`;
  if (!applied.changed) return `${shown}\n\nRevision ${of} says what is in force: nothing was done.`;
  const done = `${style.good("Done:")} revision ${applied.revision} is in force, the files of revision ${of}.`;
  return [`${shown}\n\n${done}`, ...renderWaiting(applied.waiting)].join("\n");
}

function describeOrigin(by: Origin): string {
  switch (by.cause) {
    case "store":
      return "the store's files";
    case "apply":
      return `apply (uid ${by.uid}, pid ${by.pid})`;
    case "rollback":
      return `rollback to ${by.of} (uid ${by.uid}, pid ${by.pid})`;
    case "reverted":
      return `revision ${by.of} was not confirmed`;
    case "undone":
      return `confirm --undo of ${by.of} (uid ${by.uid}, pid ${by.pid})`;
    default:
      return by satisfies never;
  }
}
