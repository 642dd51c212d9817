/** What clients change: the rules, and devices that no rules name any more. */
import { basename } from "node:path";
import type { Enforcer } from "../kernel/enforcer.ts";
import { digestFiles, type RuleFile } from "./applied.ts";
import type { Applier, Approve } from "./apply.ts";
import type { Confirmations } from "./confirmations.ts";
import type { Peer } from "./credentials.ts";
import { describeWaiting } from "./describe.ts";
import { Failure } from "./failure.ts";
import type { Log } from "./log.ts";
import type { Observed } from "./observed.ts";
import type { ApplyReply, ReleaseReply, ReplyOf, RequestOf } from "./protocol.ts";
import { describeOutcome } from "./revisions.ts";
import type { RulesStore } from "./rules-store.ts";

export interface ChangeSources {
  readonly enforcer: Enforcer;
  readonly applier: Applier;
  readonly confirmations: Confirmations;
  readonly store: RulesStore;
  readonly log: Log;
  readonly observed: Pick<Observed, "approve">;
}

/** Makes files the rules, or says what would come of it. @throws Failure */
export async function answerApply(
  { applier, confirmations, store, log, observed }: ChangeSources,
  { files, base, dryRun, confirmSeconds: seconds, promotion = {} }: RequestOf<"apply">,
  { uid, pid }: Peer,
): Promise<ApplyReply> {
  const names = files.map(({ path }) => basename(path));
  checkNames(names);
  if (dryRun !== true || base !== undefined) applier.checkFree();
  applier.checkBase(base);
  if (base !== undefined) await checkStore(store, base);
  const approve: Approve = async (checked) => {
    // Once more in its turn: rules may have been saved while it waited or was compiled.
    if (base !== undefined) await checkStore(store, base);
    await observed.approve(checked, promotion);
  };
  if (dryRun === true) return describePreview(applier, files, { base, approve });
  const by = { cause: "apply", uid, pid } as const;
  const outcome =
    seconds === undefined
      ? await applier.apply(files, { stage: store.stage, base, by, approve })
      : await confirmations.apply(files, { seconds, base, by, approve });
  const { changed, inForce } = outcome;
  const said = { revision: inForce.revision, changed, files: names, uid, pid };
  log.info(seconds === undefined ? said : { ...said, seconds }, "applied what a client sent");
  return { ...describeOutcome(outcome), waiting: describeWaiting(confirmations.waiting) };
}

/** Keeps the change that waits, or takes it back. @throws Failure where none waits */
export async function answerConfirm(
  { confirmations, log }: ChangeSources,
  { undo }: RequestOf<"confirm">,
  { uid, pid }: Peer,
): Promise<ReplyOf<"confirm">> {
  if (undo === true) {
    const { undone, inForce } = await confirmations.undo({ uid, pid });
    log.info({ undone, revision: inForce.revision, uid, pid }, "a client took the change back");
    return { outcome: "undone", change: undone, revision: inForce.revision };
  }
  const { revision } = await confirmations.confirm();
  log.info({ revision, uid, pid }, "a client confirmed the change");
  return { outcome: "confirmed", change: revision, revision };
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
  { base, approve }: { readonly base: string | undefined; readonly approve: Approve },
): Promise<ApplyReply> {
  const { changed, seconds, checked } = await applier.preview(files, base, approve);
  return {
    revision: applier.inForce?.revision ?? 0,
    changed,
    seconds,
    interfaces: checked.resolved.interfaces.length,
    entriesWritten: 0,
    notes: [...checked.notes],
    waiting: null,
  };
}

/** Opens a device whose interface left the rules. @throws Failure where it is none */
export async function answerRelease(
  { enforcer, applier, log }: ChangeSources,
  { device }: RequestOf<"release">,
  { uid, pid }: Peer,
): Promise<ReleaseReply> {
  applier.checkFree(); // A change that goes back needs the programs of the devices that it took away.
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
