import type { Model } from "../../model/model.ts";
import { toPlain } from "../../model/yaml/node.ts";
import { type CheckedRow, check } from "../../policy/check.ts";
import { QuestionError } from "../../policy/ends.ts";
import { readExpectations } from "../../policy/expectations.ts";
import { defineCommand } from "../command.ts";
import { ExitCode, refusal } from "../exit.ts";
import { withRules, withSocket } from "../options.ts";
import { readYamlFile } from "../read-yaml.ts";
import { renderChecked } from "../render/check.ts";
import { chooseFormat, printRecord } from "../render/output.ts";
import { readModel } from "../rules.ts";

/** A row of the file, with the line on which it begins. */
export type PlacedRow = CheckedRow & { readonly line: number | null };

export interface CheckRecord {
  readonly met: boolean;
  readonly rows: readonly PlacedRow[];
}

export const command = defineCommand(
  (parser) =>
    withRules(withSocket(parser))
      .positional("file", {
        type: "string",
        demandOption: true,
        describe: "Rows {from, to, protocol, port?, …, expect, because?}",
      })
      .example("$0 check expect.yaml", "Do the rules in force do what they are for?")
      .example("$0 check expect.yaml --rules rules/", "In a pipeline, before they are in force")
      .epilogue(
        "A row: - {from: sg-web, to: sg-db, protocol: tcp, port: 5432, expect: accept, because: the shop}. " +
          "An end is a group, an interface, an address, a prefix, or one address of an interface (eni-web-1@10.0.0.100).",
      ),
  async (args) => {
    const { rows, lines } = readRows(args.file);
    const { model } = await readModel(args);
    const checked = answer(args.file, lines, () => checkRows(model, rows));
    const placed = checked.map((row, index) => ({ ...row, line: lines[index] ?? null }));
    const record: CheckRecord = {
      met: placed.every(({ contradiction }) => contradiction === null),
      rows: placed,
    };
    await printRecord(record, chooseFormat(args), ({ rows: all }) => renderChecked(args.file, all));
    return record.met ? ExitCode.done : ExitCode.refused;
  },
);

function checkRows(model: Model, value: unknown): readonly CheckedRow[] {
  return check(model, readExpectations(value), { now: Date.now() / 1000 });
}

/** Rows that cannot be meant are refused, each at its line. */
function answer<T>(file: string, lines: readonly (number | null)[], run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof QuestionError)) throw error;
    const at = (said: string) => {
      const line = lines[Number(/^row (\d+): /.exec(said)?.[1]) - 1];
      return `${file}${line === undefined || line === null ? "" : `:${line}`}: ${said}`;
    };
    // A row may take several lines, those behind its first one are indented.
    throw refusal(
      error.message
        .split(/\n(?=row \d+: )/)
        .map(at)
        .join("\n"),
    );
  }
}

function readRows(file: string): { rows: unknown; lines: readonly (number | null)[] } {
  const { source, root } = readYamlFile(file);
  if (root === undefined) return { rows: null, lines: [] };
  const items = root.kind === "list" ? root.items : [];
  return { rows: toPlain(root), lines: items.map(({ at }) => source.placeAt(at).line) };
}
