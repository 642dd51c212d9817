/** What clients change: the rules, and devices that no rules name any more. */
import { basename } from "node:path";
import type { Enforcer } from "../kernel/enforcer.ts";
import { digestFiles, type RuleFile } from "./applied.ts";
import type { Applier } from "./apply.ts";
import type { Peer } from "./credentials.ts";
import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";
import type { ApplyReply, ReleaseReply, RequestOf } from "./protocol.ts";
import { describeOutcome } from "./revisions.ts";
import type { RulesStore } from "./rules-store.ts";

export interface ChangeSources {
  readonly enforcer: Enforcer;
  readonly applier: Applier;
  readonly store: RulesStore;
  readonly log: Log;
}

/** Makes files the rules, or says what would come of it. @throws Failure */
export async function answerApply(
  { applier, store, log }: ChangeSources,
  { files, base, dryRun }: RequestOf<"apply">,
  { uid, pid }: Peer,
): Promise<ApplyReply> {
  const names = files.map(({ path }) => basename(path));
  checkNames(names);
  applier.checkBase(base);
  if (base !== undefined) await checkStore(store, base);
  if (dryRun === true) return describePreview(applier, files, base);
  const outcome = await applier.apply(files, { stage: store.stage, base, by: { cause: "apply", uid, pid } });
  const { changed, inForce } = outcome;
  log.info({ revision: inForce.revision, changed, files: names, uid, pid }, "applied what a client sent");
  return describeOutcome(outcome);
}

function checkNames(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  const message = `Two of the files are named ${twice}, and the store keeps them side by side: rename one.`;
  throw new Failure("refused", message);
}

/** What somebody saved in the store and nothing enforces yet must not be written over by an edit of older rules. */
async function checkStore(store: RulesStore, base: string): Promise<void> {
  if (digestFiles(await store.load()) === base) return;
  throw new Failure(
    "refused",
    `The files in ${store.name} say something else than what is in force. \`ringwall status\` tells whether they ` +
      "were refused: mend them or take the edit back, then run it again.",
  );
}

async function describePreview(
  applier: Applier,
  files: readonly RuleFile[],
  base: string | undefined,
): Promise<ApplyReply> {
  const { changed, seconds, checked } = await applier.preview(files, base);
  return {
    revision: applier.inForce?.revision ?? 0,
    changed,
    seconds,
    interfaces: checked.resolved.interfaces.length,
    entriesWritten: 0,
    notes: [...checked.notes],
  };
}

/** Opens a device whose interface left the rules. @throws Failure where it is none */
export async function answerRelease(
  { enforcer, applier, log }: ChangeSources,
  { device }: RequestOf<"release">,
  { uid, pid }: Peer,
): Promise<ReleaseReply> {
  const removed = enforcer.status().removed;
  const found = removed.find((one) => one.device === device);
  if (found === undefined || !(await enforcer.release(found.ifindex))) {
    const holder = [...(applier.inForce?.model.interfaces.values() ?? [])].find(
      (one) => one.device === device,
    );
    const choices = removed.map((one) => one.device).join(", ");
    const why =
      holder !== undefined
        ? `it is the device of ${holder.id}, which the rules name: take that out first (\`ringwall interface remove ${holder.id}\`)`
        : choices === ""
          ? "no interface that left the rules has left a device behind"
          : `what can be released is ${choices}`;
    throw new Failure("refused", `${device} is not released: ${why}.`);
  }
  log.warn({ device, ifindex: found.ifindex, uid, pid }, "released a device: its traffic passes unjudged");
  return { device, ifindex: found.ifindex };
}
