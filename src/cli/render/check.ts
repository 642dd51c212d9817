import { cleanText } from "../../model/printable.ts";
import type { CheckedRow } from "../../policy/check.ts";
import { formatCount, formatNumberOf } from "./format.ts";
import { formatEndpoint, formatRule } from "./packet.ts";
import { style } from "./style.ts";

type Row = CheckedRow & { readonly line: number | null };
type Contradiction = NonNullable<CheckedRow["contradiction"]>;

/** Rows that are not met, each with the first packet that shows it, and a count of all. */
export function renderChecked(file: string, rows: readonly Row[]): string {
  const unmet = rows.filter(({ contradiction }) => contradiction !== null);
  if (unmet.length === 0) return `${style.good("All is met:")} ${formatNumberOf(rows.length, "row")}.`;
  const shown = unmet.flatMap(({ expectation, contradiction, line }) => {
    const { from, to, protocol, port, expect, because } = expectation;
    const what = `${from} to ${to}, ${protocol}${port === null ? "" : ` port ${port}`}: ${expect} was expected`;
    const why = because === null ? "" : ` (${because})`;
    const place = line === null ? file : `${file}:${line}`;
    return [
      `${place}: ${cleanText(what + why)}`,
      ...(contradiction === null ? [] : renderContradiction(contradiction)),
    ];
  });
  return [
    ...shown,
    style.bad(
      `${formatCount(unmet.length)} of ${formatNumberOf(rows.length, "row")} ${rows.length === 1 ? "is" : "are"} not met.`,
    ),
  ].join("\n");
}

function renderContradiction({ packet, sides }: Contradiction): string[] {
  const from = formatEndpoint({ address: packet.from.address, port: packet.sourcePort });
  const to = formatEndpoint({ address: packet.to.address, port: packet.port });
  const icmp = packet.icmpType === null ? "" : ` type ${packet.icmpType} code ${packet.icmpCode ?? 0}`;
  const lines = sides.map((side) => {
    const by = side.rule === null ? "" : ` by ${formatRule(side.rule)}`;
    return cleanText(`    ${side.interface} ${side.direction}: ${side.verdict} ${side.reason}${by}`);
  });
  return [cleanText(`  but ${packet.protocol}${icmp} ${from} > ${to}`), ...lines];
}
