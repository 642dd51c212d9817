/** CSV in and out, as spreadsheets write and read it. */
import { CsvError, parse } from "csv-parse/sync";
import { Unsayable } from "./finding.ts";

/** Rows under their titles. */
export interface CsvTable {
  readonly titles: readonly string[];
  readonly records: readonly CsvRecord[];
}

export interface CsvRecord {
  /** 1-based line on which it begins. */
  readonly line: number;
  /** By the titles of the first line. */
  readonly values: Readonly<Record<string, string>>;
}

const delimiters = [",", ";", "\t"] as const;

/** The delimiter that stands most often in the first line that says something, outside quotes. */
export function findDelimiter(text: string): string {
  const head = (/[^\s\uFEFF].*/.exec(text)?.[0] ?? "").replaceAll(/"[^"]*"/g, "");
  const count = (delimiter: string): number => head.split(delimiter).length;
  return delimiters.reduce<string>((best, next) => (count(next) > count(best) ? next : best), ",");
}

/** What a spreadsheet takes for a formula at the start of a cell, and what such an apostrophe keeps from being one. */
const formula = /^'*[=+\-@\t\r]/;
/** Not one: digits alone calculate nothing that is not written there (`-1/-1`, every port). */
const harmless = /^-\d+(\/-?\d+)?$/;

/** Takes away the apostrophe by which an export keeps a cell from being a formula. */
function unguard(cell: string): string {
  return cell.startsWith("'") && formula.test(cell) ? cell.slice(1) : cell;
}

function guard(cell: string): string {
  return formula.test(cell) && !harmless.test(cell) ? `'${cell}` : cell;
}

/**
 * Records under the titles of the first line. BOM, CRLF, `,` `;` or tab, and quotes are taken as they come.
 * @throws Unsayable for broken quotes, records of another length than the titles, and a title twice
 */
export function readCsv(text: string): CsvTable {
  const rows = parseRows(text);
  const [head, ...body] = rows;
  if (head === undefined) throw new Unsayable("bad-file", "the file is empty", "a line of titles first");
  const titles = head.cells.map((title) => title.trim());
  const twice = titles.find((title, index) => title !== "" && titles.indexOf(title) !== index);
  if (twice !== undefined)
    throw new Unsayable("duplicate-key", `the column \`${twice.slice(0, 60)}\` stands twice`);
  const records = body.map(({ line, cells }) => {
    if (cells.length !== titles.length)
      throw new Unsayable(
        "bad-file",
        `line ${line} has ${cells.length} cells, the first line ${titles.length}`,
      );
    return {
      line,
      values: Object.fromEntries(titles.map((title, index) => [title, unguard(cells[index] ?? "")])),
    };
  });
  return { titles, records };
}

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function parseRows(text: string): readonly Row[] {
  try {
    const rows = parse(text, {
      bom: true,
      delimiter: findDelimiter(text),
      relax_column_count: true,
      skip_empty_lines: true,
      info: true,
    }) as unknown as readonly {
      readonly record: readonly string[];
      readonly info: { readonly lines: number };
    }[];
    let line = 1;
    return rows.flatMap(({ record, info }) => {
      const begins = line;
      line = info.lines + 1;
      return record.every((cell) => cell.trim() === "") ? [] : [{ line: begins, cells: record }];
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new Unsayable("bad-file", `this is no CSV (${error.message.split("\n", 1)[0]})`);
  }
}

/** Lines end in CRLF (RFC 4180); a cell that would be a formula gets an apostrophe before it. */
export function writeCsv(titles: readonly string[], rows: readonly (readonly string[])[]): string {
  return [titles, ...rows].map((cells) => `${cells.map(writeCell).join(",")}\r\n`).join("");
}

function writeCell(cell: string): string {
  const guarded = guard(cell);
  return /[",\r\n;]|^\s|\s$/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded;
}
