/** Where a changing command takes the rules from, and how it brings them back: the agent, or a path at a desk. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { basename, join } from "node:path";
import type { PlanReply, Promotion } from "../agent/protocol.ts";
import { defaultLimits, type Limits } from "../model/model.ts";
import { parseModel } from "../model/parse.ts";
import type { SourceText } from "../model/yaml/source.ts";
import { FileStore } from "../store/file.ts";
import { isRulesFile } from "../store/listing.ts";
import { askAgent, chooseSocket } from "./client.ts";
import { refusal } from "./exit.ts";
import { noLimits, type RuleSet, type RulesSource, readRules } from "./rules.ts";

/** What came of a change. */
export interface Applied {
  /** The agent's; null at a desk. */
  readonly revision: number | null;
}

export interface OpenRules {
  readonly rules: RuleSet;
  /** Of the rules in force; null at a desk. */
  readonly revision: number | null;
  /** The host whose interfaces are without `host`. */
  readonly host: string;
  readonly limits: Limits;
  /** Where an entry goes when no file has its section. */
  readonly newFile: string;
  /** For people: where the rules are kept. */
  readonly place: string;
  /** What changes for packets and sessions with these rules; with an agent compiled, proven and compared there. */
  plan(after: RuleSet): Promise<PlanReply>;
  /** Refuses when the rules were changed since they were opened. `dryRun`: says what would be, changes nothing. */
  apply(files: readonly SourceText[], dryRun: boolean, promotion?: Promotion): Promise<Applied>;
}

/** Reads the rules that are to be changed. @throws CliError where they cannot be read */
export function openRules(source: RulesSource): Promise<OpenRules> {
  return source.rules === undefined ? openAgent(source) : openDesk(source.rules, source.host);
}

async function openAgent({ socket }: RulesSource): Promise<OpenRules> {
  const at = chooseSocket(socket);
  const { files, host, digest, revision } = await askAgent(at, "model", {});
  // The agent holds its own limits.
  const rules = { files, ...parseModel(files, { limits: noLimits, host }) };
  return {
    rules,
    revision,
    host,
    limits: noLimits,
    newFile: files.at(-1)?.path ?? "rules.yaml",
    place: "the agent's rules",
    plan: (after) => askAgent(at, "plan", { files: copyFiles(after.files) }),
    apply: async (changed, dryRun, promotion = {}) => {
      const sent = copyFiles(changed);
      const reply = await askAgent(at, "apply", { files: sent, base: digest, dryRun, promotion });
      return { revision: reply.revision };
    },
  };
}

async function openDesk(path: string, named: string | undefined): Promise<OpenRules> {
  const host = named ?? hostname();
  const begins = beginsAt(path);
  const rules = begins === null ? readRules([path], { host }) : emptyRules;
  const store = new FileStore(path, { trusted: true });
  return {
    rules,
    revision: null,
    host,
    limits: defaultLimits,
    newFile: begins ?? rules.files.at(-1)?.path ?? path,
    place: path,
    plan: async (after) => {
      const { planRuleSets } = await import("./plan-at-desk.ts");
      return planRuleSets(rules, after, named ?? null);
    },
    apply: async (changed, dryRun) => {
      if (dryRun) return { revision: null };
      if (beginsAt(path) !== begins || (begins === null && !isUnchanged(path, rules.files)))
        throw refusal(`${path} was changed meanwhile: run it again.`);
      await writeStore(store, changed);
      return { revision: null };
    },
  };
}

function copyFiles(files: readonly SourceText[]): SourceText[] {
  return files.map(({ path, text }) => ({ path, text }));
}

const emptyRules: RuleSet = {
  files: [],
  ...parseModel([], { limits: defaultLimits }),
};

/** The file that a first entry makes: one that is named and not there, or one in an empty directory. */
function beginsAt(path: string): string | null {
  if (!existsSync(path)) return isRulesFile(basename(path)) ? path : null;
  if (!statSync(path).isDirectory() || readdirSync(path).some(isRulesFile)) return null;
  return join(path, "rules.yaml");
}

function isUnchanged(path: string, files: readonly SourceText[]): boolean {
  const now = readRules([path]).files;
  return now.length === files.length && now.every((file, index) => file.text === files[index]?.text);
}

async function writeStore(store: FileStore, files: readonly SourceText[]): Promise<void> {
  try {
    await store.write(files);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw refusal(`${store.name} cannot be written, nothing was changed: ${why}`);
  }
}
