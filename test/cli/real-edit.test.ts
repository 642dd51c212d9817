import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Host } from "./host.ts";

const rules = `# Two guests that may ping each other.
version: 1
networks: {vpc-a: {type: vpc}}

groups:
  sg-web: # everybody
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
      # ping
      - {id: ping, direction: ingress, policy: accept, protocol: icmp, portRange: -1/-1, remote: 10.0.0.0/24, priority: 50}

instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-web]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "02:00:00:00:00:02", addresses: [10.0.0.2], groups: [sg-web]}}} # the second
`;

let host: Host;

beforeAll(async () => {
  host = new Host(19478);
  host.writeConfig({ limits: { entriesPerPrefixList: 3 } });
  host.writeRules(rules);
  await host.startAgent();
});

afterAll(() => host.remove());

const stored = () => readFileSync(join(host.folder, "rules.d", "rules.yaml"), "utf8");

async function run(...args: string[]): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await host.ringwall(...args, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Record<string, unknown>;
}

async function status() {
  return (await run("status")) as unknown as {
    policy: { revision: number; refused: unknown };
    interfaces: { id: string; groups: string[] }[];
    removed: { device: string }[];
  };
}

// One story: each part goes on from where the one before it ended.
describe("commands that change the rules of a running agent", () => {
  it("add a rule, which is in force when the command has ended, and in the store with its comments", async () => {
    expect(host.reaches(1, 2)).toBe(true);
    const args = [
      "rule",
      "add",
      "sg-web",
      "--id",
      "shut",
      "--policy",
      "drop",
      "--protocol",
      "icmp",
      "--from",
      "10.0.0.1/32",
    ];
    const dry = await run(...args, "--dry-run");
    expect(dry).toMatchObject({ dryRun: true, changed: true, revision: 1 });
    // The ping above is such a session.
    expect(dry.plan).toMatchObject({ changed: true, sessions: { ends: 1 } });
    expect(host.reaches(1, 2)).toBe(true);
    expect(await run(...args)).toMatchObject({ changed: true, revision: 2, rule: { id: "shut" } });
    expect(host.ping(1, 2)).toBe(false);
    expect(stored()).toBe(
      rules.replace(
        "priority: 50}\n",
        "priority: 50}\n      - {id: shut, direction: ingress, policy: drop, protocol: icmp, remote: 10.0.0.1/32}\n",
      ),
    );
  });

  it("modify and remove it", async () => {
    await run("rule", "modify", "sg-web", "shut", "--priority", "60");
    expect(host.reaches(1, 2)).toBe(true);
    await run("rule", "modify", "sg-web", "shut", "--clear", "priority");
    expect(host.ping(1, 2)).toBe(false);
    expect(await run("rule", "remove", "sg-web", "shut")).toMatchObject({ revision: 5 });
    expect(host.reaches(1, 2)).toBe(true);
    expect(stored()).toBe(rules);
  });

  it("move all members to another group, and back", async () => {
    await run("group", "clone", "sg-web", "sg-shut");
    await run("rule", "remove", "sg-shut", "ping");
    expect(host.reaches(1, 2)).toBe(true);
    expect(await run("group", "switch", "sg-web", "sg-shut")).toMatchObject({ moved: ["eni-1", "eni-2"] });
    expect(host.ping(1, 2)).toBe(false);
    expect((await status()).interfaces.map(({ groups }) => groups)).toEqual([["sg-shut"], ["sg-shut"]]);
    await run("join", "tap2", "sg-web");
    expect(host.reaches(1, 2)).toBe(true);
    await run("leave", "10.0.0.2", "sg-shut");
    await run("group", "switch", "sg-shut", "sg-web");
    await run("group", "delete", "sg-shut");
    expect(stored()).toBe(rules);
  });

  it("refuse a wrong change with the agent's limits and the place, and change nothing", async () => {
    const before = (await status()).policy;
    const wrong = await host.ringwall("rule", "add", "sg-web", "--port", "80/80", "--from", "sg-none");
    expect(wrong).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/rules\.yaml:13:\d+: .*sg-none/),
    });
    const many = ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24", "10.4.0.0/24"];
    expect(await host.ringwall("prefix-list", "create", "pl-many", ...many)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/entriesPerPrefixList.* of 3: .*4 asked/),
    });
    expect(stored()).toBe(rules);
    expect((await status()).policy.revision).toBe(before.revision);
  });

  it("at the same time lose nothing: each is there, or was told to come again", async () => {
    const numbers = [1, 2, 3, 4];
    const outcomes = await Promise.all(
      numbers.map((number) =>
        host.ringwall(
          "rule",
          "add",
          "sg-web",
          "--id",
          `n${number}`,
          "--port",
          `${number}/${number}`,
          "--from",
          "10.0.0.0/24",
        ),
      ),
    );
    const done = numbers.filter((_, index) => outcomes[index]?.code === 0);
    expect(done.length).toBeGreaterThan(0);
    for (const { code, stderr } of outcomes)
      if (code !== 0)
        expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("run it again") });
    const listed = (await run("rule", "list", "sg-web")) as { rules: { id: string }[] };
    expect(listed.rules.map(({ id }) => id).sort()).toEqual([...done.map((number) => `n${number}`), "ping"]);
    await run("rule", "remove", "sg-web", ...done.map((number) => `n${number}`));
    expect(stored()).toBe(rules);
  });

  it("do not write over an edit of the files that was refused", async () => {
    const wrong = rules.replace("basic", "basik");
    host.writeRules(wrong);
    await expect.poll(async () => (await status()).policy.refused).not.toBeNull();
    const { code, stderr } = await host.ringwall("rule", "remove", "sg-web", "ping");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("mend them or take the edit back"),
    });
    expect(stored()).toBe(wrong);
    host.writeRules(rules);
    await expect.poll(async () => (await status()).policy.refused).toBeNull();
  });

  it("remove an interface, whose device then drops everything until it is released", async () => {
    await run("interface", "remove", "eni-2");
    expect(host.ping(1, 2)).toBe(false);
    expect((await status()).removed).toMatchObject([{ device: "tap2" }]);
    const asked = await host.ringwall("interface", "release", "tap2");
    expect({ code: asked.code, stderr: asked.stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining("--yes"),
    });
    expect((await host.ringwall("interface", "release", "tap1", "--yes")).stderr).toContain(
      "what can be released is tap2",
    );
    expect(host.ping(1, 2)).toBe(false);
    expect(await run("interface", "release", "eni-2", "--yes")).toMatchObject({
      released: true,
      device: "tap2",
    });
    expect(host.reaches(1, 2)).toBe(true);
    expect((await status()).removed).toEqual([]);
    expect(host.logs).toMatch(/"device":"tap2".*released a device/);
  });

  it("name the most entries of a list where the list says it, and no number where it says none", async () => {
    await run("prefix-list", "create", "pl-any", "10.1.0.0/24");
    expect(await run("prefix-list", "show", "pl-any")).toMatchObject({ maxEntries: null });
    const { stdout } = await host.ringwall("prefix-list", "show", "pl-any");
    expect(stdout).toMatch(/^pl-any {2}ipv4\n/);
  });

  it("without an agent say so", async () => {
    await host.stopAgents("SIGTERM");
    expect(await host.ringwall("rule", "list", "sg-web")).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("No agent answers"),
    });
    expect((await host.ringwall("rule", "remove", "sg-web", "ping")).code).toBe(3);
    expect((await host.ringwall("interface", "release", "tap2", "--yes")).code).toBe(3);
  });
});
