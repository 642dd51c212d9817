import { escapeUnits } from "../../model/printable.ts";
import type { CommonOptions } from "../command.ts";
import { writeAnswer, writeStreamed } from "../reader.ts";

export type Format = "table" | "json" | "yaml";

/** What the common options ask for; a table where they are silent. */
export function chooseFormat({ output, json }: CommonOptions): Format {
  if (json === true || output === "json") return "json";
  return output === "yaml" ? "yaml" : "table";
}

/** Prints one record: the same object in each format, `render` being the table's form of it. */
export async function printRecord<T>(
  record: T,
  format: Format,
  render: (record: T) => string,
): Promise<void> {
  await writeAnswer(`${await renderRecord(record, format, render)}\n`);
}

/**
 * Prints a list as it comes, and as printRecord prints `{[name]: list}`; a document in YAML is made of the whole.
 * `render`: rows of a table, piece by piece; `none`: what stands there without any.
 */
export async function printList<T>(
  name: string,
  pieces: AsyncIterable<readonly T[]>,
  format: Format,
  { render, none }: { readonly render: (piece: readonly T[]) => string; readonly none: string },
): Promise<void> {
  if (format === "yaml") {
    const all: T[] = [];
    for await (const piece of pieces) for (const one of piece) all.push(one);
    return printRecord({ [name]: all }, format, () => none);
  }
  let printed = 0;
  for await (const piece of pieces) {
    if (piece.length === 0) continue;
    const start = printed === 0 ? `{\n  ${JSON.stringify(name)}: [\n` : ",\n";
    await writeStreamed(
      format === "json" ? start + piece.map(writeElement).join(",\n") : `${render(piece)}\n`,
    );
    printed += piece.length;
  }
  if (printed === 0) await printRecord({ [name]: [] }, format, () => none);
  else if (format === "json") await writeStreamed("\n  ]\n}\n");
}

/** An element of a list that a record holds, as JSON indents it. */
function writeElement(element: unknown): string {
  return `    ${writeJson(element, 2).split("\n").join("\n    ")}`;
}

/** Prints one record of a stream: a line in JSON, a document in YAML. */
export async function printStreamed<T>(
  record: T,
  format: Format,
  render: (record: T) => string,
): Promise<void> {
  switch (format) {
    case "json":
      return writeStreamed(`${writeJson(record)}\n`);
    case "yaml":
      return writeStreamed(`---\n${await renderRecord(record, format, render)}\n`);
    case "table":
      return writeStreamed(`${render(record)}\n`);
    default:
      return format satisfies never;
  }
}

async function renderRecord<T>(record: T, format: Format, render: (record: T) => string): Promise<string> {
  switch (format) {
    case "json":
      return writeJson(record, 2);
    case "yaml": {
      const { writeYaml } = await import("./yaml.ts");
      return writeYaml(JSON.parse(JSON.stringify(record, plain))).trimEnd();
    }
    case "table":
      return render(record).trimEnd();
    default:
      return format satisfies never;
  }
}

/** What a terminal would act on in somebody's text stands as \uXXXX. */
function writeJson(record: unknown, indent?: number): string {
  return escapeUnits(JSON.stringify(record, plain, indent));
}

/** Counters are bigints; a JSON number holds them where a double does, text where not. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value.toString();
}
