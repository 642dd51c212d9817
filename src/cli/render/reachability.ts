import { cleanText } from "../../model/printable.ts";
import { formatServices } from "../../policy/reach/format.ts";
import type { FamilyReach, NetworkMatrix, ReachCell } from "../../policy/reach/reachability.ts";
import type { ReachabilityRecord } from "../commands/reachability.ts";
import { style } from "./style.ts";
import { type Column, renderTable } from "./table.ts";

/** A matrix is read as one while it fits a terminal; else each of its cells that says something is a row. */
const columnsMax = 5;
const widthMax = 160;
/** More prefixes than these are counted. */
const namedMax = 4;

/** One matrix a network: who sends down, who is reached across. */
export function renderReachability({ networks }: ReachabilityRecord): string {
  if (networks.length === 0) return "There are no groups.";
  return networks.map(renderMatrix).join("\n\n");
}

function renderMatrix(matrix: NetworkMatrix): string {
  const title = style.title(cleanText(matrix.network));
  return [title, renderWide(matrix) ?? renderRows(matrix), ...legend(matrix)].join("\n");
}

/** Null: it would not fit. */
function renderWide({ cells, groups }: NetworkMatrix): string | null {
  const ends = [...new Set(cells.flatMap(({ from, to }) => [from, to]))];
  if (ends.length > columnsMax) return null;
  const members = new Map(groups.map((group) => [group.id, group.members]));
  const columns: Column<string>[] = ends.map((to) => ({
    title: to,
    named: true,
    value: (from) => {
      const found = cells.find((cell) => cell.from === from && cell.to === to);
      return found === undefined ? "" : summarize(found);
    },
  }));
  const head = (id: string): string => {
    const count = members.get(id);
    return count === undefined ? id : `${id} (${count})`;
  };
  const table = renderTable(ends, [{ title: "from \\ to", value: head }, ...columns]);
  return table.split("\n").some((line) => line.length > widthMax) ? null : table;
}

function renderRows({ cells }: NetworkMatrix): string {
  const open = cells.filter((cell) => !["-", "nothing"].includes(summarize(cell)));
  if (open.length === 0) return "Nothing reaches anything.";
  const closed = cells.length - open.length;
  const rows = renderTable(open, [
    { title: "from", value: ({ from }) => from },
    { title: "to", value: ({ to }) => to },
    { title: "services", value: summarize },
  ]);
  return closed === 0 ? rows : `${rows}\n${style.aside(`${closed} other pairs: nothing.`)}`;
}

function legend({ cells }: NetworkMatrix): string[] {
  const texts = cells.map(summarize);
  return [
    ...(texts.some((text) => text.includes("some:"))
      ? [style.aside("some: between some of the members or addresses only; `--from A --to B` says which")]
      : []),
    ...(texts.includes("-") ? [style.aside("-: no two members with addresses of one family")] : []),
  ];
}

/** A cell in a few words; both families in the same ones where they are alike. */
export function summarize({ ipv4, ipv6 }: ReachCell): string {
  const four = ipv4 === null ? null : summarizeFamily(ipv4);
  const six = ipv6 === null ? null : summarizeFamily(ipv6).replaceAll("icmpv6", "icmp");
  if (four === null || six === null || four === six) return four ?? six ?? "-";
  return `IPv4 ${four} | IPv6 ${six}`;
}

function summarizeFamily({ all, some, partly }: FamilyReach): string {
  if (some.length === 0) return "nothing";
  const every = formatServices(all);
  const extra = formatServices(partly);
  return [every, extra === "" ? "" : `some: ${extra}`].filter((text) => text !== "").join("; ");
}

/** One cell in detail: each family, and for the internet each set of addresses. */
export function renderCell(cell: ReachCell): string {
  const lines = [style.title(cleanText(`${cell.from} to ${cell.to}`))];
  for (const [name, reach] of [
    ["IPv4", cell.ipv4],
    ["IPv6", cell.ipv6],
  ] as const) {
    lines.push(
      `${name}: ${reach === null ? "no two ends with addresses of this family" : summarizeFamily(reach)}`,
    );
    for (const part of reach?.outside ?? []) {
      lines.push(cleanText(`  ${nameAddresses(part)}: ${summarizeFamily(part)}`));
    }
  }
  return lines.join("\n");
}

function nameAddresses(part: NonNullable<FamilyReach["outside"]>[number]): string {
  const [list, all] = "prefixes" in part ? [part.prefixes, ""] : [part.except, "all but "];
  const named = list.slice(0, namedMax).join(", ");
  return `${all}${named}${list.length > namedMax ? ` and ${list.length - namedMax} more` : ""}`;
}
