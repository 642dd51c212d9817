import type { JudgedHit, ObservedReply, UnlistedHits } from "../../agent/protocol.ts";
import { formatAge, formatAgo, formatCount, formatNumberOf } from "./format.ts";
import { formatEndpoint } from "./packet.ts";
import { style } from "./style.ts";
import { renderTable } from "./table.ts";

/** `observed` for people: who observes since when, what would have been dropped, and what nobody could list. */
export function renderObserved(reply: ObservedReply, now: number): string {
  const { groups, hits, unlisted } = reply;
  const parts = [renderGroups(groups, now), renderHits(reply, now), renderUnlisted(unlisted, now)];
  const standing = hits.filter(({ stands }) => stands).length;
  const said =
    standing > 0
      ? style.warning(`${formatNumberOf(standing, "row")} would be dropped if everything enforced.`)
      : unlisted.length > 0
        ? style.warning("Of what is listed, nothing would be dropped if everything enforced.")
        : style.good("Nothing would be dropped if everything enforced.");
  return [...parts.filter((part) => part !== ""), said].join("\n\n");
}

function renderGroups(groups: ObservedReply["groups"], now: number): string {
  if (groups.length === 0) return "No group observes.";
  return renderTable(groups, [
    { title: "observing", value: ({ group }) => group },
    { title: "members", value: ({ members }) => formatCount(members), align: "right" },
    { title: "known to", value: ({ since }) => `since ${formatAgo(since, now)}` },
  ]);
}

function renderHits({ hits, windowSeconds }: ObservedReply, now: number): string {
  if (hits.length === 0) return `Nothing passed as observed within the last ${formatAge(windowSeconds)}.`;
  return renderTable(hits, [
    { title: "interface", value: ({ interface: id }) => id },
    { title: "direction", value: ({ direction }) => direction },
    { title: "peer", value: ({ remote }) => formatEndpoint({ address: remote, port: null }) },
    { title: "service", value: nameService },
    { title: "would be dropped by", value: nameCause },
    { title: "times", value: ({ times }) => formatCount(times), align: "right" },
    { title: "first", value: ({ first }) => formatAgo(first, now) },
    { title: "last", value: ({ last }) => formatAgo(last, now) },
    { title: "now", value: ({ stands }) => (stands ? style.warning("stands") : style.good("settled")) },
  ]);
}

function nameService({ protocol, port, icmpType, icmpCode }: JudgedHit): string {
  if (icmpType !== null) return `${protocol} type ${icmpType} code ${icmpCode ?? 0}`;
  return port === null ? protocol : `${protocol} ${port}`;
}

function nameCause({ observer, rule, direction }: JudgedHit): string {
  if (observer === "anti-spoofing") return "anti-spoofing";
  if (rule !== null) return `${rule.group} ${rule.id ?? `rule ${rule.index}`}`;
  return direction === "egress" ? "default-drop" : "no-rule";
}

function renderUnlisted(unlisted: readonly UnlistedHits[], now: number): string {
  if (unlisted.length === 0) return "";
  return renderTable(unlisted, [
    { title: "counted, not listed", value: ({ interface: id }) => id },
    { title: "packets", value: ({ packets }) => formatCount(packets), align: "right" },
    { title: "last", value: ({ last }) => formatAgo(last, now) },
  ]);
}
