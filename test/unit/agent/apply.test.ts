import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestFiles, type RuleFile } from "../../../src/agent/applied.ts";
import { Applier, type Change, type StagedFiles } from "../../../src/agent/apply.ts";
import { History } from "../../../src/agent/history.ts";
import { createLog } from "../../../src/agent/log.ts";
import { RulesCache } from "../../../src/agent/rules-cache.ts";
import type { ApplyReport } from "../../../src/kernel/status.ts";
import { defaultLimits } from "../../../src/model/model.ts";
import type { Resolved } from "../../../src/policy/types.ts";

let folder: string;
let steps: string[];
let results: string[];
let damage: string[];
let kernelFails: boolean;
let inKernel: Resolved | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-apply-"));
  steps = [];
  results = [];
  damage = [];
  kernelFails = false;
  inKernel = undefined;
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const report: ApplyReport = {
  generation: 1,
  entriesWritten: 3,
  slotsSwitched: 1,
  recordsSwitched: 1,
  duration_ms: 1,
};

async function open(state = folder): Promise<Applier> {
  const history = await History.open(state, (message) => damage.push(message));
  return new Applier({
    enforcer: {
      apply: async (resolved) => {
        steps.push(`kernel ${resolved.model.groups.size}`);
        await new Promise((done) => setTimeout(done, 5));
        if (kernelFails) throw new Error("E2BIG: rw_cells is too small");
        steps.push("in force");
        inKernel = resolved;
        return report;
      },
    },
    history,
    rules: new RulesCache(state, null),
    limits: () => defaultLimits,
    host: "kvm-1",
    log: createLog({ level: "silent", format: "json" }, { write: () => undefined }),
    onResult: (result) => results.push(result),
  });
}

function rules(groups: number): RuleFile {
  const lines = Array.from(
    { length: groups },
    (_, index) => `  sg-${index}: {type: basic, network: vpc-a, rules: []}`,
  );
  return {
    path: "rules.yaml",
    text: ["version: 1", "networks: {vpc-a: {type: vpc}}", "groups:", ...lines, ""].join("\n"),
  };
}

function stageWith(failing?: "stage" | "commit"): Change {
  const stage = async (): Promise<StagedFiles> => {
    if (failing === "stage") throw new Error("ENOSPC");
    steps.push("staged");
    return {
      commit: async () => {
        if (failing === "commit") throw new Error("EIO");
        steps.push("written");
      },
      discard: async () => void steps.push("discarded"),
    };
  };
  return { stage, by: { cause: "apply", uid: 0, pid: 1 } };
}

const wrong: RuleFile = { path: "rules.yaml", text: "version: 1\ngruops: {}\n" };

describe("a change", () => {
  it("is staged on disk, brought into force, then written", async () => {
    const outcome = await (await open()).apply([rules(1)], stageWith());
    expect(steps).toEqual(["staged", "kernel 1", "in force", "written"]);
    expect(outcome).toMatchObject({ changed: true, inForce: { revision: 1 } });
    expect(results).toEqual(["applied"]);
  });

  it("that is wrong is refused as a whole, with its places, before disk and kernel", async () => {
    const applier = await open();
    await applier.apply([rules(1)]);
    steps = [];
    await expect(applier.apply([wrong], stageWith())).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/^rules\.yaml:2:1: .*groups/),
    });
    expect(steps).toEqual([]);
    expect(applier.inForce?.revision).toBe(1);
    expect(applier.refusal?.messages[0]).toContain("rules.yaml:2:1");
    expect(results).toEqual(["applied", "refused"]);
  });

  it("that is taken back is no longer said to be wrong", async () => {
    const applier = await open();
    await applier.apply([rules(1)]);
    await expect(applier.apply([wrong])).rejects.toThrow();
    expect(await applier.apply([rules(1)])).toMatchObject({ changed: false, inForce: { revision: 1 } });
    expect(applier.refusal).toBeNull();
    expect(results).toEqual(["applied", "refused", "unchanged"]);
  });

  it("for which the store has no room never reaches the kernel", async () => {
    const applier = await open();
    await expect(applier.apply([rules(1)], stageWith("stage"))).rejects.toMatchObject({
      code: "refused",
      message: expect.stringContaining("ENOSPC"),
    });
    expect(steps).toEqual([]);
    expect(applier.inForce).toBeNull();
  });

  it("that the kernel refuses leaves the store as it was", async () => {
    const applier = await open();
    kernelFails = true;
    await expect(applier.apply([rules(1)], stageWith())).rejects.toMatchObject({
      code: "kernel",
      message: expect.stringContaining("rw_cells is too small"),
    });
    expect(steps).toEqual(["staged", "kernel 1", "discarded"]);
    expect(results).toEqual(["failed"]);
  });

  it("that the store refuses at the last moment is taken out of the kernel again", async () => {
    const applier = await open();
    await applier.apply([rules(1)]);
    await expect(applier.apply([rules(2)], stageWith("commit"))).rejects.toThrow(/EIO/);
    expect(inKernel?.model.groups.size).toBe(1);
    expect(applier.inForce?.revision).toBe(1);
  });

  it("that says what is in force is written where the store may say something else", async () => {
    const applier = await open();
    await applier.apply([rules(1)]);
    steps = [];
    expect(await applier.apply([rules(1)], stageWith())).toMatchObject({ changed: false });
    expect(steps).toEqual(["staged", "written"]);
    await expect(applier.apply([rules(1)], stageWith("commit"))).rejects.toMatchObject({
      code: "refused",
      message: expect.stringMatching(/EIO.*What is in force stays/),
    });
  });

  it("by the store is read in its turn: after the change before it is written", async () => {
    const applier = await open();
    let stored = [rules(1)];
    await applier.apply(stored);
    const stage = async () => ({
      commit: async () => {
        stored = [rules(2)];
      },
      discard: async () => undefined,
    });
    const client = applier.apply([rules(2)], { stage, by: { cause: "apply", uid: 0, pid: 1 } });
    const reload = applier.applyStored(async () => stored);
    expect(await client).toMatchObject({ changed: true });
    expect(await reload).toMatchObject({ changed: false });
    expect(inKernel?.model.groups.size).toBe(2);
  });

  it("waits for the one before it, whatever became of that", async () => {
    const applier = await open();
    const changes = [applier.apply([rules(1)]), applier.apply([wrong]), applier.apply([rules(2)])];
    expect((await Promise.allSettled(changes)).map(({ status }) => status)).toEqual([
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    expect(steps).toEqual(["kernel 1", "in force", "kernel 2", "in force"]);
  });
});

describe("the revision", () => {
  it("grows with each change and stays over a restart, with the rules' text", async () => {
    const applier = await open();
    await applier.apply([rules(1)]);
    await applier.apply([rules(2)]);
    const restarted = await open();
    expect((await restarted.apply([rules(2)])).inForce.revision).toBe(2);
    expect((await restarted.apply([rules(1)])).inForce.revision).toBe(3);
    expect(damage).toEqual([]);
  });

  it("does not grow where the store says again what a client applied from another folder", () => {
    const [one, two] = [rules(1), { path: "b.yaml", text: "version: 1\n" }];
    expect(digestFiles([one])).toBe(digestFiles([{ ...one, path: "/etc/ringwall/rules.d/other.yaml" }]));
    const moved = [
      { ...two, path: "/etc/b.yaml" },
      { ...one, path: "/etc/rules.yaml" },
    ];
    expect(digestFiles([one, two])).toBe(digestFiles(moved));
    expect(digestFiles([one, two])).not.toBe(
      digestFiles([
        { ...one, path: "b.yaml" },
        { ...two, path: "rules.yaml" },
      ]),
    );
  });

  it("is nobody else's to read", async () => {
    await (await open()).apply([rules(1)]);
    expect(statSync(folder).mode & 0o7777).toBe(0o700);
    expect(statSync(join(folder, "history")).mode & 0o7777).toBe(0o700);
    expect(statSync(join(folder, "history", "1")).mode & 0o7777).toBe(0o600);
  });

  it("goes on from a number whose record is damaged, and says so", async () => {
    await (await open()).apply([rules(1)]);
    const path = join(folder, "history", "1");
    writeFileSync(path, readFileSync(path, "utf8").slice(0, 40));
    expect((await (await open()).apply([rules(2)])).inForce.revision).toBe(2);
    expect(damage).toEqual([`${path} is damaged: it is cut off or overwritten.`]);
  });

  it("takes effect in the kernel even where the state directory takes no more", async () => {
    const state = join(folder, "state");
    const applier = await open(state);
    rmSync(state, { recursive: true });
    expect((await applier.apply([rules(1)])).inForce.revision).toBe(1);
    expect((await applier.apply([rules(2)])).inForce.revision).toBe(2);
  });
});
