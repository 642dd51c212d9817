import Table from "cli-table3";
import { cleanText } from "../../model/printable.ts";

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
  return createTableRenderer(columns)(rows);
}

/** The same for rows that come in pieces: titles stand over the first, and no column becomes narrower. */
export function createTableRenderer<T>(columns: readonly Column<T>[]): (piece: readonly T[]) => string {
  let widths: readonly (number | null)[] | null = null;
  return (piece) => {
    const table = new Table({
      // Titles as wide as the columns were keep them so.
      head: columns.map((column, index) => titleOf(column).padEnd(widths?.[index] ?? 0)),
      colAligns: columns.map(({ align }) => align ?? "left"),
      chars: noBorders,
      style: { head: [], border: [], "padding-left": 0, "padding-right": 0, compact: true },
    });
    for (const row of piece) table.push(columns.map(({ value }) => cleanCell(value(row))));
    const lines = table.toString().split("\n");
    const shown = widths === null ? lines : lines.slice(1);
    widths = table.options.colWidths;
    return shown.map((line) => line.trimEnd()).join("\n");
  };
}

function titleOf<T>({ title, named }: Column<T>): string {
  return named === true ? cleanCell(title) : title.toUpperCase();
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
