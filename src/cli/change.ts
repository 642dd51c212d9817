/**
 * One way for all commands that change rules: read them, edit them, judge the result whole, and only then bring it
 * into force (by the agent) or onto the disk (at a desk), as one step. A change that is refused changes nothing.
 */
import type { Argv } from "yargs";
import type { PlanReply, Promotion } from "../agent/protocol.ts";
import { formatDiagnostic } from "../model/diagnostic.ts";
import type { Model } from "../model/model.ts";
import { parseModel } from "../model/parse.ts";
import { cleanText } from "../model/printable.ts";
import { QuestionError } from "../policy/ends.ts";
import { EditError, RulesEditor } from "../store/edit.ts";
import type { CommonOptions } from "./command.ts";
import { ExitCode, refusal } from "./exit.ts";
import { type AgentOptions, type RulesOptions, withRules, withSocket } from "./options.ts";
import { chooseFormat, printRecord } from "./render/output.ts";
import { renderPlan } from "./render/plan.ts";
import { style } from "./render/style.ts";
import { renderDiff, unifiedDiff } from "./render/unified-diff.ts";
import { type RuleSet, renderDiagnostics, requireModel } from "./rules.ts";
import { type OpenRules, openRules } from "./rules-source.ts";

/** What a changing command's line says beside its own options. */
export interface ChangeOptions extends CommonOptions, AgentOptions, RulesOptions {
  readonly dryRun: boolean;
  /** How groups may go from observe to enforce; where nothing is said, as by default. */
  readonly promotion?: Promotion;
}

/** For commands that change rules. */
export function withChange<T>(parser: Argv<T>) {
  return withRules(withSocket(parser)).option("dry-run", {
    type: "boolean",
    default: false,
    describe: "Check and show what would change, as a diff; change nothing",
  });
}

/** Rules on the table: what they say now, and the editor that changes them. */
export interface Draft {
  readonly editor: RulesEditor;
  /** Before the change. */
  readonly model: Model;
  readonly host: string;
}

/** What an edit was: the fields of the record, and what a person is told. */
export interface Edited<T extends object> {
  readonly record: T;
  /** In the past tense, a line or more: `rule ssh was added to sg-web`. */
  readonly said: string;
  /** What is worth saying beside. */
  readonly notes?: readonly string[];
}

/** What every changing command prints as JSON, around its own fields. */
export interface ChangeRecord {
  readonly changed: boolean;
  readonly dryRun: boolean;
  /** Of the rules in force; null at a desk. */
  readonly revision: number | null;
  /** Files whose bytes changed, or would. */
  readonly files: readonly string[];
  /** What is worth saying about the rules. */
  readonly notes: readonly string[];
  /** Of a dry run: a unified diff, and what `ringwall plan` says of the changed files. */
  readonly diff?: string;
  readonly plan?: PlanReply | undefined;
}

/**
 * Runs one change: `edit` makes it on the draft, or throws (CliError, EditError, QuestionError) what refuses it.
 * @returns how the command ends; throws CliError where the change is refused
 */
export async function changeRules<T extends object>(
  args: ChangeOptions,
  edit: (draft: Draft) => Edited<T> | Promise<Edited<T>>,
): Promise<ExitCode> {
  const opened = await openRules(args);
  const model = requireModel(opened.rules);
  const editor = editRefusals(() => RulesEditor.open(opened.rules.files, opened.newFile));
  const {
    record,
    said,
    notes: own = [],
  } = await editRefusalsAsync(async () => edit({ editor, model, host: opened.host }));
  const { files, changes } = editRefusals(() => editor.finish());
  const after = changes.length === 0 ? opened.rules : judge(opened, files);
  const applied =
    changes.length === 0
      ? { revision: opened.revision }
      : await opened.apply(files, args.dryRun, args.promotion);
  const preview = {
    diff: changes.map(unifiedDiff).join("\n"),
    plan: await planOf(opened, after, args.dryRun),
  };
  const done: T & ChangeRecord = {
    ...record,
    changed: changes.length > 0,
    dryRun: args.dryRun,
    revision: applied.revision,
    files: changes.map(({ path }) => path),
    notes: [...own, ...newNotes(opened.rules, after)],
    ...(args.dryRun ? preview : {}),
  };
  await printRecord(done, chooseFormat(args), (shown) => renderChange(shown, said, opened.place));
  return ExitCode.done;
}

async function planOf(opened: OpenRules, after: RuleSet, dryRun: boolean): Promise<PlanReply | undefined> {
  return dryRun && after !== opened.rules ? opened.plan(after) : undefined;
}

/** The result as a whole, by the model's own rules; what was wrong is shown in the text as it would be. */
function judge({ host, limits }: OpenRules, files: RuleSet["files"]): RuleSet {
  const { model, diagnostics } = parseModel(files, { limits, host });
  if (model !== null) return { files, model, diagnostics };
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const shown = renderDiagnostics({ files, model, diagnostics: errors });
  throw refusal(`the rules would be wrong, so nothing was changed:\n${shown}`);
}

/** What is worth saying about the rules now, and was not before. */
function newNotes(before: RuleSet, after: RuleSet): string[] {
  const known = new Set(before.diagnostics.map(({ message }) => message));
  return after.diagnostics.filter(({ message }) => !known.has(message)).map(formatDiagnostic);
}

function renderChange(record: ChangeRecord, said: string, place: string): string {
  const { changed, dryRun, revision, files, notes, diff, plan } = record;
  const noted = notes.map((note) => style.aside(`note: ${cleanText(note)}`));
  if (!changed) return [...noted, "Nothing to change: the rules say this already."].join("\n");
  if (dryRun) {
    const checked =
      revision === null ? "The rules would be legal" : "The agent checked it, compiled and proven";
    return [
      renderDiff(diff ?? ""),
      "",
      ...(plan === undefined ? [] : [renderPlan({ ...plan, notes: [] }), ""]),
      ...noted,
      `${said} ${style.warning("(dry run)")}`,
      `${checked}; nothing was changed.`,
    ].join("\n");
  }
  const where =
    revision === null ? `written to ${files.join(", ") || place}` : `revision ${revision} is in force`;
  return [...noted, said, `${style.good("Done:")} ${where}.`].join("\n");
}

/** What an edit cannot be is a refusal, not a fault of the program. */
function toRefusal(error: unknown): unknown {
  return error instanceof EditError || error instanceof QuestionError ? refusal(error.message) : error;
}

function editRefusals<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw toRefusal(error);
  }
}

async function editRefusalsAsync<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toRefusal(error);
  }
}
