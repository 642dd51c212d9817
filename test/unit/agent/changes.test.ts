import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Agent } from "../../../src/agent/agent.ts";
import { defaultConfig } from "../../../src/agent/config.ts";
import { createLog } from "../../../src/agent/log.ts";
import { askAgent } from "../../../src/cli/client.ts";
import { FakeEnforcer } from "./fake-enforcer.ts";
import { MemoryStore } from "./memory-store.ts";

const rules = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-web:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, remote: 0.0.0.0/0}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:01:01", addresses: [10.0.0.11], groups: [sg-web]}}}
`;
const changed = [{ path: "rules.yaml", text: rules.replace("80/80", "443/443") }];

let folder: string;
let socket: string;
let agent: Agent;
let kernel: FakeEnforcer;
let store: MemoryStore;
let log: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-changes-"));
  socket = join(folder, "run", "ringwall.sock");
  kernel = new FakeEnforcer();
  store = new MemoryStore([{ path: "rules.yaml", text: rules }]);
  log = [];
  agent = await Agent.start({
    paths: { config: undefined, bpffs: "", state: join(folder, "state"), lock: join(folder, "lock") },
    config: {
      ...defaultConfig(),
      host: "kvm-1",
      socket: { path: socket, group: "no-such-group" },
      metrics: { listen: "127.0.0.1:0" },
    },
    version: "1.2.3",
    log: createLog({ level: "debug", format: "json" }, { write: (line: string) => log.push(line) }),
    openStore: () => store,
    openEnforcer: async () => kernel,
  });
});

afterEach(async () => {
  await agent.stop({ detach: false });
  rmSync(folder, { recursive: true, force: true });
});

const status = () => askAgent(socket, "status", {});

describe("a change of the rules that were read", () => {
  it("is applied while they are in force, and refused afterwards", async () => {
    const { digest } = await askAgent(socket, "model", {});
    expect(await askAgent(socket, "apply", { files: changed, base: digest })).toMatchObject({ revision: 2 });
    const again = [{ path: "rules.yaml", text: rules.replace("80/80", "22/22") }];
    await expect(askAgent(socket, "apply", { files: again, base: digest })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/changed meanwhile.*run it again/),
    });
    expect((await askAgent(socket, "model", {})).files).toEqual(changed);
    expect((await status()).policy).toMatchObject({ revision: 2, refused: null });
  });

  it("of two at once is one of them", async () => {
    const { digest } = await askAgent(socket, "model", {});
    const asked = ["443/443", "22/22"].map((ports) =>
      askAgent(socket, "apply", {
        files: [{ path: "rules.yaml", text: rules.replace("80/80", ports) }],
        base: digest,
      }),
    );
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(["fulfilled", "rejected"]);
    expect((await status()).policy.revision).toBe(2);
  });

  it("does not write over an edit of the store that nothing enforces", async () => {
    const { digest } = await askAgent(socket, "model", {});
    store.files = [{ path: "rules.yaml", text: rules.replace("80/80", "80-80") }];
    await expect(askAgent(socket, "apply", { files: changed, base: digest })).rejects.toMatchObject({
      message: expect.stringMatching(/say something else than what is in force/),
    });
    expect(store.files[0]?.text).toContain("80-80");
  });
});

describe("a dry run", () => {
  it("says what is wrong, and changes nothing", async () => {
    const { digest } = await askAgent(socket, "model", {});
    const before = kernel.applies;
    const preview = await askAgent(socket, "apply", { files: changed, base: digest, dryRun: true });
    expect(preview).toMatchObject({ revision: 1, changed: true, interfaces: 1, entriesWritten: 0 });
    const wrong = [{ path: "rules.yaml", text: rules.replace("80/80", "80-80") }];
    await expect(askAgent(socket, "apply", { files: wrong, dryRun: true })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/rules\.yaml:8:\d+/),
    });
    expect((await status()).policy).toMatchObject({ revision: 1, refused: null });
    expect(kernel.applies).toBe(before);
    expect(store.files[0]?.text).toBe(rules);
  });
});

describe("a device whose interface left the rules", () => {
  it("is released, which the log keeps", async () => {
    kernel.removed = [{ device: "tap9", ifindex: 9 }];
    expect(await askAgent(socket, "release", { device: "tap9" })).toEqual({ device: "tap9", ifindex: 9 });
    expect((await status()).removed).toEqual([]);
    expect(log.join("")).toMatch(/"device":"tap9".*released a device/);
  });

  it("is the only kind that is", async () => {
    kernel.removed = [{ device: "tap9", ifindex: 9 }];
    await expect(askAgent(socket, "release", { device: "tap1" })).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/eni-1, which the rules name/),
    });
    await expect(askAgent(socket, "release", { device: "tap8" })).rejects.toMatchObject({
      message: expect.stringMatching(/what can be released is tap9/),
    });
  });
});
