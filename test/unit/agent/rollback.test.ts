import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { RuleFile } from "../../../src/agent/applied.ts";
import { defaultConfig } from "../../../src/agent/config.ts";
import { askAgent } from "../../../src/cli/client.ts";
import { FakeEnforcer } from "./fake-enforcer.ts";
import { MemoryStore } from "./memory-store.ts";
import { type RunningAgent, runAgentOn } from "./running-agent.ts";

const rulesWith = (ports: readonly string[]): RuleFile => ({
  path: "rules.yaml",
  text: `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    rules:
${ports.map((port) => `      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${port}/${port}, remote: 0.0.0.0/0}`).join("\n")}
`,
});
const [first, second] = [rulesWith(["80"]), rulesWith(["80", "443"])];

let agent: RunningAgent | undefined;
let kernel: FakeEnforcer;
let store: MemoryStore;

beforeEach(() => {
  kernel = new FakeEnforcer();
  store = new MemoryStore([second]);
});

afterEach(async () => {
  await agent?.stop();
  agent = undefined;
});

async function start(): Promise<string> {
  agent = await runAgentOn(store, kernel);
  return agent.socket;
}

const rulesInForce = () => kernel.resolved?.model.groups.get("sg-web")?.rules.length;

describe("the agent's history", () => {
  it("says who made each revision: the store, a client, one who went back", async () => {
    const socket = await start();
    await askAgent(socket, "apply", { files: [first] });
    await askAgent(socket, "rollback", { revision: 1 });
    const { revisions, inForce, damaged } = await askAgent(socket, "history", {});
    const client = { uid: process.getuid?.(), pid: process.pid };
    expect(revisions.map(({ revision, by }) => ({ revision, by }))).toEqual([
      { revision: 3, by: { cause: "rollback", of: 1, ...client } },
      { revision: 2, by: { cause: "apply", ...client } },
      { revision: 1, by: { cause: "store" } },
    ]);
    expect({ inForce, damaged }).toEqual({ inForce: 3, damaged: [] });
  });

  it("tells a revision with its files and the one before it", async () => {
    const socket = await start();
    await askAgent(socket, "apply", { files: [first] });
    expect(await askAgent(socket, "revision", { revision: 2 })).toMatchObject({
      revision: 2,
      files: [first],
      before: 1,
      counts: { files: 1, groups: 1, rules: 1, interfaces: 0 },
      host: "kvm-1",
    });
    expect(await askAgent(socket, "revision", { revision: 1 })).toMatchObject({ before: null });
  });
});

describe("a rollback", () => {
  it("applies the files of the revision as a new one, and makes them the store's", async () => {
    const socket = await start();
    await askAgent(socket, "apply", { files: [first] });
    expect(await askAgent(socket, "rollback", { revision: 1 })).toMatchObject({ revision: 3, changed: true });
    expect(rulesInForce()).toBe(2);
    expect(store.files).toEqual([second]);
  });

  it("that is to be confirmed goes back with the kernel, and is in the store only when it was kept", async () => {
    const socket = await start();
    await askAgent(socket, "apply", { files: [first] });
    const back = () => askAgent(socket, "rollback", { revision: 1, confirmSeconds: 60 });
    expect(await back()).toMatchObject({ revision: 3, changed: true, waiting: { revision: 3 } });
    expect(rulesInForce()).toBe(2);
    expect(store.files).toEqual([first]);
    expect(await askAgent(socket, "confirm", { undo: true })).toMatchObject({ outcome: "undone", change: 3 });
    expect(rulesInForce()).toBe(1);
    expect(await back()).toMatchObject({ revision: 5, waiting: { revision: 5 } });
    await expect(askAgent(socket, "rollback", { revision: 2 })).rejects.toThrow("waits for its confirmation");
    expect(await askAgent(socket, "confirm", {})).toMatchObject({ outcome: "confirmed", revision: 5 });
    expect(store.files).toEqual([second]);
    const [newest] = (await askAgent(socket, "history", {})).revisions;
    expect(newest).toMatchObject({ revision: 5, by: { cause: "rollback", of: 1 } });
  });

  it("to what is in force changes nothing", async () => {
    const socket = await start();
    expect(await askAgent(socket, "rollback", { revision: 1 })).toMatchObject({
      revision: 1,
      changed: false,
    });
    expect((await askAgent(socket, "history", {})).revisions).toHaveLength(1);
  });

  it("is refused where the limits of today refuse it, and nothing changes", async () => {
    const socket = await start();
    await askAgent(socket, "apply", { files: [first] });
    await agent?.reload({ limits: { ...defaultConfig().limits, rulesPerGroup: 1 } });
    await expect(askAgent(socket, "rollback", { revision: 1 })).rejects.toThrow(
      /over the limit `rulesPerGroup`/,
    );
    expect(rulesInForce()).toBe(1);
    expect(store.files).toEqual([first]);
  });

  it("to a revision that is not kept is refused, naming those that are", async () => {
    const socket = await start();
    await expect(askAgent(socket, "rollback", { revision: 9 })).rejects.toThrow(
      "There is no revision 9: kept are 1 to 1",
    );
  });
});
