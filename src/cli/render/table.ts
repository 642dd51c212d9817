import Table from "cli-table3";
import { cleanText } from "../../agent/protocol.ts";

export interface Column<T> {
  readonly title: string;
  readonly value: (row: T) => string;
  readonly align?: "left" | "right";
  /** The title is a name of somebody's, not a word of ours: it stays as it is. */
  readonly named?: boolean;
}

const noBorders = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
  "bottom-right": "",
  left: "",
  "left-mid": "",
  mid: "",
  "mid-mid": "",
  right: "",
  "right-mid": "",
  middle: "  ",
};

/** Rows under their titles, without borders, so that `awk` and `grep` read it as well as people. */
export function renderTable<T>(rows: readonly T[], columns: readonly Column<T>[]): string {
  const table = new Table({
    head: columns.map(({ title, named }) => (named === true ? cleanCell(title) : title.toUpperCase())),
    colAligns: columns.map(({ align }) => align ?? "left"),
    chars: noBorders,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
  });
  for (const row of rows) table.push(columns.map(({ value }) => cleanCell(value(row))));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** Colours of our own pass; every other control character is written out. */
function cleanCell(text: string): string {
  return text
    .split(colour)
    .map((part, index) => (index % 2 === 1 ? part : cleanText(part)))
    .join("");
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const colour = /(\u001b\[\d+m)/;
