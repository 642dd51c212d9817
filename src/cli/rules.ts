/** Rules of a file or directory, for commands that need no agent. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { type Diagnostic, formatDiagnostic, renderDiagnostic } from "../model/diagnostic.ts";
import { defaultLimits, type Limits, type Model } from "../model/model.ts";
import {
  type ParseOptions,
  type ParseProgress,
  type ParseResult,
  parseModel,
  parseModelInSlices,
} from "../model/parse.ts";
import { decodeFile, describeTooLarge, fileBytesMax } from "../model/yaml/decode.ts";
import type { SourceText } from "../model/yaml/source.ts";
import { isRulesFile } from "../store/listing.ts";
import { refusal } from "./exit.ts";
import { startProgress } from "./render/progress.ts";

/** What a rule set says, or what is wrong with it. */
export interface RuleSet {
  readonly files: readonly SourceText[];
  /** null where a diagnostic is an error. */
  readonly model: Model | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** For rules whose limits are somebody else's to hold: the agent's own. */
export const noLimits: Limits = {
  rulesPerGroup: Number.MAX_SAFE_INTEGER,
  groupsPerInterface: Number.MAX_SAFE_INTEGER,
  rulesPerInterface: Number.MAX_SAFE_INTEGER,
  entriesPerPrefixList: Number.MAX_SAFE_INTEGER,
  prefixesPerPolicy: Number.MAX_SAFE_INTEGER,
  addressesPerBasicGroup: Number.MAX_SAFE_INTEGER,
  addressesPerAdvancedGroup: Number.MAX_SAFE_INTEGER,
};

/**
 * Files that a path means: itself, or the rules files of a directory in the order of their names.
 * @throws CliError 1 where there are none
 */
export function listRuleFiles(path: string): readonly string[] {
  if (!readStats(path).isDirectory()) return [path];
  const names = readdirSync(path).filter(isRulesFile).sort();
  if (names.length === 0) throw refusal(`There is no *.yaml file in ${path}.`);
  return names.map((name) => join(path, name));
}

function readStats(path: string) {
  try {
    return statSync(path);
  } catch (error) {
    throw refusal(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

export interface ReadOptions {
  readonly limits?: Limits;
  readonly host?: string | undefined;
}

/** Reads and checks rules; every problem of every file is in the result. */
export function readRules(paths: readonly string[], options: ReadOptions = {}): RuleSet {
  const { files, unreadable } = readAll(paths);
  return judge(files, unreadable, parseModel(files, fillOptions(options)));
}

/** The same, with progress on a terminal. */
export async function readRulesInSlices(
  paths: readonly string[],
  options: ReadOptions = {},
): Promise<RuleSet> {
  const { files, unreadable } = readAll(paths);
  const progress = startProgress("reading rules");
  const onProgress = ({ done, total }: ParseProgress) => progress.show(done, total);
  try {
    return judge(files, unreadable, await parseModelInSlices(files, fillOptions(options), { onProgress }));
  } finally {
    progress.end();
  }
}

function fillOptions({ limits = defaultLimits, host = hostname() }: ReadOptions): ParseOptions {
  return { limits, host };
}

function readAll(paths: readonly string[]) {
  const decoded = paths.flatMap(listRuleFiles).map(readOne);
  return {
    files: decoded.flatMap((one) => (one.ok ? [one.source] : [])),
    unreadable: decoded.flatMap((one) => (one.ok ? [] : [one.diagnostic])),
  };
}

function judge(
  files: readonly SourceText[],
  unreadable: readonly Diagnostic[],
  { model, diagnostics }: ParseResult,
): RuleSet {
  if (unreadable.length > 0) return { files, model: null, diagnostics: [...unreadable, ...diagnostics] };
  return { files, model, diagnostics };
}

function readOne(path: string) {
  const { size } = readStats(path);
  if (size > fileBytesMax) throw refusal(`${path}: ${describeTooLarge(size)}`);
  try {
    return decodeFile(path, readFileSync(path));
  } catch (error) {
    throw refusal(`${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

/** The model of legal rules; wrong ones are refused with every problem, a line each. */
export function requireModel({ model, diagnostics }: RuleSet): Model {
  if (model !== null) return model;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  throw refusal(`the rules are wrong:\n${errors.map(formatDiagnostic).join("\n")}`);
}

/** Diagnostics for people: each with its line of the file and a caret under the place. */
export function renderDiagnostics({ files, diagnostics }: RuleSet): string {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  return diagnostics.map((diagnostic) => renderDiagnostic(diagnostic, (file) => texts.get(file))).join("\n");
}

/** Where a command finds its rules: a path, or the agent. */
export interface RulesSource {
  readonly rules: string | undefined;
  readonly host: string | undefined;
  readonly socket: string | undefined;
}

/** The model of a path, or the one that the agent has in force; with the host from which it is seen. */
export async function readModel(source: RulesSource): Promise<{ model: Model; host: string | undefined }> {
  const { rules, host, socket } = source;
  if (rules !== undefined) return { model: requireModel(readRules([rules], { host })), host };
  const { askAgent, chooseSocket } = await import("./client.ts");
  const reply = await askAgent(chooseSocket(socket), "model", {});
  const { model, diagnostics } = parseModel(reply.files, { limits: noLimits, host: reply.host });
  return { model: requireModel({ files: reply.files, model, diagnostics }), host: reply.host };
}
