/** Rules of a file or directory, for commands that need no agent. */
import { existsSync, readdirSync, realpathSync, statSync } from "node:fs";
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
import { describeUnreadable, errorCode } from "../model/unreadable.ts";
import { refuseFile } from "../model/yaml/decode.ts";
import type { SourceText } from "../model/yaml/source.ts";
import { isAlmostRulesFile, isRulesFile, passedOver } from "../store/listing.ts";
import { refusal } from "./exit.ts";
import { openSource } from "./read-source.ts";
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

export interface ReadOptions {
  readonly limits?: Limits;
  readonly host?: string | undefined;
}

/** Reads and checks rules; every problem of every file is in the result. */
export function readRules(paths: readonly string[], options: ReadOptions = {}): RuleSet {
  const read = readAll(paths);
  return judge(read, parseModel(read.files, fillOptions(options)));
}

/** The same, with progress on a terminal. */
export async function readRulesInSlices(
  paths: readonly string[],
  options: ReadOptions = {},
): Promise<RuleSet> {
  const read = readAll(paths);
  const progress = startProgress("reading rules");
  const onProgress = ({ done, total }: ParseProgress) => progress.show(done, total);
  try {
    return judge(read, await parseModelInSlices(read.files, fillOptions(options), { onProgress }));
  } finally {
    progress.end();
  }
}

function fillOptions({ limits = defaultLimits, host = hostname() }: ReadOptions): ParseOptions {
  return { limits, host };
}

interface ReadFiles {
  readonly files: readonly SourceText[];
  /** About files as a whole. */
  readonly findings: readonly Diagnostic[];
}

function readAll(paths: readonly string[]): ReadFiles {
  const seen = new Set<string>();
  const read = paths.map((path) => readPath(path, (file) => isFirst(seen, file)));
  return { files: read.flatMap(({ files }) => files), findings: read.flatMap(({ findings }) => findings) };
}

/** False where the file was named before, by whatever path: it is one file of the set. */
function isFirst(seen: Set<string>, file: string): boolean {
  const one = existsSync(file) ? realpathSync(file) : file;
  const isNew = !seen.has(one);
  seen.add(one);
  return isNew;
}

/** What a path means: the file, or the rules files of a directory in the order of their names. */
function readPath(path: string, wanted: (file: string) => boolean): ReadFiles {
  try {
    if (!statSync(path).isDirectory()) return decodeAll([path].filter(wanted), []);
    const names = readdirSync(path).sort();
    const almost = names.filter(isAlmostRulesFile).map((name) => passedOver(path, name));
    const found = names.filter(isRulesFile).map((name) => join(path, name));
    return found.length > 0
      ? decodeAll(found.filter(wanted), almost)
      : refusePath(path, "there is no *.yaml file in it: write one", almost);
  } catch (error) {
    return refusePath(path, describeUnreadable(errorCode(error)), []);
  }
}

function decodeAll(paths: readonly string[], findings: readonly Diagnostic[]): ReadFiles {
  const decoded = paths.map(openSource);
  return {
    files: decoded.flatMap((one) => (one.ok ? [one.source] : [])),
    findings: [...decoded.flatMap((one) => (one.ok ? [] : [one.diagnostic])), ...findings],
  };
}

function refusePath(path: string, message: string, findings: readonly Diagnostic[]): ReadFiles {
  return { files: [], findings: [refuseFile("file-unreadable", path, message).diagnostic, ...findings] };
}

function judge({ files, findings }: ReadFiles, { model, diagnostics }: ParseResult): RuleSet {
  const isWhole = findings.every(({ severity }) => severity !== "error");
  return { files, model: isWhole ? model : null, diagnostics: [...findings, ...diagnostics] };
}

/** The model of legal rules; wrong ones are refused with every problem, a line each. */
export function requireModel({ model, diagnostics }: RuleSet): Model {
  if (model !== null) return model;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  const isUnread = errors.every(({ code }) => code === "file-unreadable");
  const what = isUnread ? "the rules cannot be read" : "the rules are wrong";
  throw refusal(`${what}:\n${errors.map(formatDiagnostic).join("\n")}`);
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
