/** The results as people read them: a table for the terminal, the same as Markdown. */
import Table from "cli-table3";
import type { Results } from "./results.ts";
import type { Row } from "./row.ts";

const head = ["what", "of", "median", "goal", "", "spread", "side by side"];

/** Three significant digits, no exponent. */
export function showFigure(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en-US", {
    minimumFractionDigits: Math.min(digits, 2),
    maximumFractionDigits: Math.min(digits, 4),
  });
}

export function showParams(params: Row["params"]): string {
  const show = ([key, of]: [string, string | number]) =>
    typeof of === "number" ? `${of.toLocaleString("en-US")} ${key}` : of;
  return Object.entries(params).map(show).join(", ");
}

const withUnit = (value: number, unit: string): string =>
  unit === "ratio" ? `${showFigure(value)} ×` : `${showFigure(value)} ${unit}`;

export function showGoal({ goal, sense, unit }: Row): string {
  return goal === null ? "" : `${sense} ${withUnit(goal, unit)}`;
}

function cellsOf(row: Row): string[] {
  const met = row.met === null ? "" : row.met ? "met" : "MISSED";
  const peers = Object.entries(row.peers).map(
    ([name, { value, unit }]) => `${name} ${withUnit(value, unit)}`,
  );
  return [
    row.name,
    showParams(row.params),
    withUnit(row.value, row.unit),
    showGoal(row),
    met,
    `${(row.spread * 100).toFixed(0)} %`,
    peers.join(", "),
  ];
}

export function renderTable(rows: readonly Row[]): string {
  const table = new Table({
    head,
    style: { head: [], border: [] },
    colWidths: [30, 34, null, null, null, null, 60],
    wordWrap: true,
  });
  for (const row of rows) table.push(cellsOf(row));
  return table.toString();
}

export function countMet(rows: readonly Row[]): string {
  const judged = rows.filter(({ met }) => met !== null);
  return `${judged.filter(({ met }) => met).length} of ${judged.length} goals met`;
}

export function renderMarkdown({ machine, revision, rows }: Results, pictures: readonly string[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    "# What `make bench` measured",
    "",
    `${machine.model}, ${machine.cpus} CPUs, Linux ${machine.kernel}; revision ${revision}. ${countMet(rows)}.`,
    "Figures are medians of interleaved runs; the spread is half of the distance between their quartiles.",
    "",
    line(head),
    line(head.map(() => "---")),
    ...rows.map((row) => line(cellsOf(row))),
    "",
    ...pictures.map((name) => `![${name}](${name})\n`),
  ].join("\n");
}
