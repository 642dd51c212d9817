import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Agent } from "../../../src/agent/agent.ts";
import type { RuleFile } from "../../../src/agent/applied.ts";
import { defaultConfig } from "../../../src/agent/config.ts";
import { createLog } from "../../../src/agent/log.ts";
import { askAgent } from "../../../src/cli/client.ts";
import { FakeEnforcer } from "./fake-enforcer.ts";
import { MemoryStore } from "./memory-store.ts";

const rulesFor = (port: number): RuleFile => ({
  path: "rules.yaml",
  text: `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${port}/${port}, remote: 0.0.0.0/0}
`,
});
const [old, fresh, edited] = [rulesFor(80), rulesFor(443), rulesFor(8080)];

let folder: string;
let socket: string;
let log: string[];
let agents: Agent[];
let kernel: FakeEnforcer;
let store: MemoryStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-confirm-"));
  socket = join(folder, "run", "ringwall.sock");
  log = [];
  agents = [];
  kernel = new FakeEnforcer();
  store = new MemoryStore([old]);
});

afterEach(async () => {
  await Promise.all(agents.map((agent) => agent.stop({ detach: false })));
  rmSync(folder, { recursive: true, force: true });
});

async function start(): Promise<Agent> {
  const agent = await Agent.start({
    paths: { config: undefined, bpffs: "", state: join(folder, "state"), lock: join(folder, "lock") },
    config: {
      ...defaultConfig(),
      host: "kvm-1",
      socket: { path: socket, group: "no-such-group" },
      metrics: { listen: "127.0.0.1:0" },
    },
    version: "1.2.3",
    log: createLog({ level: "debug", format: "json" }, { write: (line: string) => void log.push(line) }),
    openStore: () => store,
    openEnforcer: async () => kernel,
  });
  agents.push(agent);
  return agent;
}

/** As a kill leaves it: what the agent would do at its end is nothing here, its locks apart. */
async function stop(agent: Agent): Promise<void> {
  agents = agents.filter((one) => one !== agent);
  await agent.stop({ detach: false });
}

const ask = askAgent;
const applyFor = (files: readonly RuleFile[], confirmSeconds = 60) =>
  ask(socket, "apply", { files: [...files], confirmSeconds });
const policy = async () => (await ask(socket, "status", {})).policy;
const portInForce = () => kernel.resolved?.model.groups.get("sg-web")?.rules[0]?.ports?.first;
const revisions = async () =>
  (await ask(socket, "history", {})).revisions.map(({ revision, by }) => [revision, by.cause]);
const recordPath = () => join(folder, "state", "waiting.json");
/** What the kernel does at the deadline. */
function passDeadline(): void {
  kernel.confirmation = { state: "reverted", remaining_seconds: 0 };
}

describe("a change that is to be confirmed", () => {
  it("is in force, said by status, and not in the store", async () => {
    await start();
    const reply = await applyFor([fresh]);
    expect(reply).toMatchObject({
      revision: 2,
      changed: true,
      waiting: { revision: 2, remainingSeconds: 60 },
    });
    expect(portInForce()).toBe(443);
    expect(await policy()).toMatchObject({ revision: 2, waiting: { revision: 2 } });
    expect(store.files).toEqual([old]);
  });

  it("stays and is written to the store when it is confirmed", async () => {
    await start();
    await applyFor([fresh]);
    expect(await ask(socket, "confirm", {})).toEqual({ outcome: "confirmed", change: 2, revision: 2 });
    expect(store.files).toEqual([fresh]);
    expect(await policy()).toMatchObject({ revision: 2, waiting: null });
    expect(kernel.confirmation).toBeNull();
    expect(existsSync(recordPath())).toBe(false);
    await expect(ask(socket, "confirm", {})).rejects.toThrow(/No change waits for a confirmation/);
  });

  it("is taken back at once on request, as a revision of its own", async () => {
    await start();
    await applyFor([fresh]);
    expect(await ask(socket, "confirm", { undo: true })).toEqual({
      outcome: "undone",
      change: 2,
      revision: 3,
    });
    expect(portInForce()).toBe(80);
    expect(store.files).toEqual([old]);
    expect(await revisions()).toEqual([
      [3, "undone"],
      [2, "apply"],
      [1, "store"],
    ]);
    const [newest] = (await ask(socket, "history", {})).revisions;
    expect(newest?.by).toEqual({ cause: "undone", of: 2, uid: process.getuid?.(), pid: process.pid });
  });

  it("that its deadline had ended was undone by nobody, whoever asks for it then", async () => {
    await start();
    await applyFor([fresh]);
    passDeadline();
    await ask(socket, "confirm", { undo: true });
    expect((await revisions())[0]).toEqual([3, "reverted"]);
  });

  it("is followed back when the kernel took it back", async () => {
    await start();
    await applyFor([fresh], 1);
    passDeadline();
    // Said last of all: the revision is there before the kernel has forgotten its decision.
    await expect.poll(() => log.join("")).toContain("a change was taken back");
    expect(await policy()).toMatchObject({ revision: 3, waiting: null, refused: null });
    expect(portInForce()).toBe(80);
    expect(kernel.confirmation).toBeNull();
  });

  it("that the kernel took back cannot be confirmed any more", async () => {
    await start();
    await applyFor([fresh]);
    passDeadline();
    await expect(ask(socket, "confirm", {})).rejects.toThrow(/Too late: revision 2 was taken back/);
    expect(await policy()).toMatchObject({ revision: 3, waiting: null });
    expect(store.files).toEqual([old]);
  });

  it("that says what is in force waits for nothing", async () => {
    await start();
    expect(await applyFor([old])).toMatchObject({ changed: false, revision: 1, waiting: null });
  });

  it("is refused whole where the kernel, or the rules, refuse it", async () => {
    await start();
    kernel.refuses = "no timers here";
    await expect(applyFor([fresh])).rejects.toThrow(/no timers here/);
    kernel.refuses = null;
    await expect(applyFor([rulesFor(0)])).rejects.toThrow(/rules\.yaml:8/);
    expect(existsSync(recordPath())).toBe(false);
    expect(await policy()).toMatchObject({ revision: 1, waiting: null });
  });
});

describe("a store that cannot be written", () => {
  it("refuses a change that is to be confirmed before anything is changed", async () => {
    await start();
    store.full = true;
    await expect(applyFor([fresh])).rejects.toThrow(/The store cannot be written, so nothing was changed/);
    expect(portInForce()).toBe(80);
  });

  it("keeps a change waiting that is to be confirmed", async () => {
    await start();
    await applyFor([fresh]);
    store.full = true;
    await expect(ask(socket, "confirm", {})).rejects.toThrow(/The store cannot be written/);
    expect((await policy()).waiting).not.toBeNull();
    store.full = false;
    await ask(socket, "confirm", {});
    expect(store.files).toEqual([fresh]);
  });

  it("at the last moment brings back what was in force", async () => {
    await start();
    await applyFor([fresh]);
    store.breaks = true;
    await expect(ask(socket, "confirm", {})).rejects.toThrow(/What was in force is again/);
    expect(portInForce()).toBe(80);
    expect(await policy()).toMatchObject({ revision: 3, waiting: null });
    expect(store.files).toEqual([old]);
  });
});

describe("while a change waits", () => {
  it("other changes are refused, saying what to do", async () => {
    await start();
    await applyFor([fresh]);
    const refusal = /Revision 2 waits for its confirmation: `ringwall confirm` keeps it/;
    await expect(ask(socket, "apply", { files: [edited] })).rejects.toThrow(refusal);
    await expect(applyFor([edited])).rejects.toThrow(refusal);
    await expect(ask(socket, "rollback", { revision: 1 })).rejects.toThrow(refusal);
    await expect(ask(socket, "release", { device: "tap9" })).rejects.toThrow(refusal);
    expect(portInForce()).toBe(443);
  });

  it("an edit of the store changes nothing; after the change went back it is taken up", async () => {
    await start();
    await applyFor([fresh]);
    store.edit([edited]);
    await expect.poll(() => log.join("")).toContain("looked at when the change");
    expect(portInForce()).toBe(443);
    expect((await policy()).refused).toBeNull();
    await ask(socket, "confirm", { undo: true });
    expect(portInForce()).toBe(8080);
    expect(store.files).toEqual([edited]);
  });

  it("an edit of the store is not written over by confirming", async () => {
    await start();
    await applyFor([fresh]);
    store.edit([edited]);
    await expect(ask(socket, "confirm", {})).rejects.toThrow(/was changed while revision 2 waited/);
    expect((await policy()).waiting).not.toBeNull();
    store.edit([old]);
    expect(await ask(socket, "confirm", {})).toMatchObject({ outcome: "confirmed" });
    expect(store.files).toEqual([fresh]);
  });
});

describe("an agent that starts after another one", () => {
  it("goes on with the change that waits, and can confirm it", async () => {
    const first = await start();
    await applyFor([fresh]);
    await stop(first);
    await start();
    expect(await policy()).toMatchObject({ revision: 2, waiting: { revision: 2 } });
    expect(portInForce()).toBe(443);
    await ask(socket, "confirm", {});
    expect(store.files).toEqual([fresh]);
    expect(await revisions()).toEqual([
      [2, "apply"],
      [1, "store"],
    ]);
  });

  it("finds that the kernel took it back", async () => {
    const first = await start();
    await applyFor([fresh]);
    await stop(first);
    passDeadline();
    await start();
    expect(await policy()).toMatchObject({ revision: 3, waiting: null });
    expect(portInForce()).toBe(80);
    expect(await revisions()).toEqual([
      [3, "reverted"],
      [2, "apply"],
      [1, "store"],
    ]);
    expect([kernel.confirmation, existsSync(recordPath())]).toEqual([null, false]);
  });

  it("comes up with the old rules after the host was booted", async () => {
    const first = await start();
    await applyFor([fresh]);
    await stop(first);
    kernel = new FakeEnforcer();
    await start();
    expect(portInForce()).toBe(80);
    expect(await policy()).toMatchObject({ revision: 3, waiting: null });
    expect(store.files).toEqual([old]);
  });

  it("finishes a confirmation that was cut off before the store was written", async () => {
    const first = await start();
    await applyFor([fresh]);
    await stop(first);
    kernel.confirmation = { state: "kept", remaining_seconds: 0 };
    await start();
    expect(store.files).toEqual([fresh]);
    expect(portInForce()).toBe(443);
    expect(await policy()).toMatchObject({ revision: 2, waiting: null });
    expect([kernel.confirmation, existsSync(recordPath())]).toEqual([null, false]);
  });

  it("finishes one that was cut off after it, whether or not the host was booted", async () => {
    for (const booted of [false, true]) {
      const first = await start();
      const [waiting, back] = portInForce() === 443 ? [old, 80] : [fresh, 443];
      await applyFor([waiting]);
      await stop(first);
      store.files = [waiting];
      if (booted) kernel = new FakeEnforcer();
      else kernel.confirmation = { state: "kept", remaining_seconds: 0 };
      const next = await start();
      expect(portInForce()).toBe(back);
      expect(existsSync(recordPath())).toBe(false);
      expect((await revisions())[0]?.[1]).toBe("apply");
      await stop(next);
    }
  });

  it("lets an edit of the store stand that came while nobody was there", async () => {
    const first = await start();
    await applyFor([fresh]);
    await stop(first);
    store.files = [edited];
    kernel.confirmation = { state: "kept", remaining_seconds: 0 };
    await start();
    expect(store.files).toEqual([edited]);
    expect(portInForce()).toBe(8080);
  });

  it("has what was in force before as the last good rules, where the store is damaged meanwhile", async () => {
    const first = await start();
    await applyFor([fresh]);
    await stop(first);
    passDeadline();
    store.unreadable = "rules.yaml: others may write it";
    await start();
    expect(portInForce()).toBe(80);
  });

  it("takes a confirmation back that it cannot write to the store", async () => {
    const first = await start();
    await applyFor([fresh]);
    await stop(first);
    kernel.confirmation = { state: "kept", remaining_seconds: 0 };
    store.full = true;
    await start();
    expect(portInForce()).toBe(80);
    expect(await policy()).toMatchObject({ revision: 3, waiting: null });
  });

  it("undoes a change whose record is lost or damaged, or that it cannot go on with", async () => {
    for (const damage of [
      () => rmSync(recordPath()),
      () => writeFileSync(recordPath(), readFileSync(recordPath(), "utf8").slice(0, 40)),
      () => {
        kernel.refusesResume = "the maps do not hold the change";
      },
    ]) {
      const first = await start();
      await applyFor([fresh]);
      await stop(first);
      damage();
      const next = await start();
      expect(portInForce()).toBe(80);
      expect((await policy()).waiting).toBeNull();
      expect([kernel.confirmation, existsSync(recordPath())]).toEqual([null, false]);
      kernel.refusesResume = null;
      await stop(next);
    }
  });
});
