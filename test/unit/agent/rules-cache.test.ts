import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RulesCache } from "../../../src/agent/rules-cache.ts";
import { defaultLimits } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";

const rulesOf = (port: number) => [
  {
    path: "/etc/ringwall/rules.yaml",
    text: `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-a:
    type: basic
    network: vpc-a
    rules:
      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${port}/${port}, remote: "2001:db8::1/32"}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "02:00:00:00:00:01", addresses: [10.0.0.1], groups: [sg-a]}}}
`,
  },
];
const options = { limits: defaultLimits, host: "kvm-1" };

let folder: string;
let parsed: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-rules-cache-"));
  parsed = 0;
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

const open = (program: string | null = "one") =>
  new RulesCache(folder, program, async (files, given) => {
    parsed++;
    return parseModel(files, given);
  });
const path = () => join(folder, "read-rules");

/** As an agent that reads rules, brings them into force and runs on. */
async function keep(port = 80): Promise<void> {
  const cache = open();
  await cache.read(rulesOf(port), options);
  cache.keepSoon(rulesOf(port), options);
  await vi.advanceTimersByTimeAsync(1000);
  await vi.waitUntil(() => existsSync(path()));
  parsed = 0;
}

describe("what was read of the rules", () => {
  it("is found by the next agent, the same to the last place", async () => {
    await keep();
    const found = await open().read(rulesOf(80), options);
    expect(parsed).toBe(0);
    expect(found).toEqual(parseModel(rulesOf(80), options));
    expect(found.diagnostics).not.toEqual([]);
  });

  it.each([
    ["another text", rulesOf(81), options, "one"],
    ["another path", rulesOf(80).map(({ text }) => ({ path: "/rules.yaml", text })), options, "one"],
    ["other limits", rulesOf(80), { ...options, limits: { ...defaultLimits, rulesPerGroup: 1 } }, "one"],
    ["another host", rulesOf(80), { ...options, host: "kvm-2" }, "one"],
    ["another program", rulesOf(80), options, "two"],
  ] as const)("is not used for %s", async (_, files, given, program) => {
    await keep();
    const found = await open(program).read(files, given);
    expect(parsed).toBe(1);
    expect(found).toEqual(parseModel(files, given));
  });

  it.each(["cut off", "changed", "empty"])("is not used where its file is %s", async (how) => {
    await keep();
    const bytes = readFileSync(path());
    const at = bytes.length - 40;
    if (how === "changed") bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(path(), how === "cut off" ? bytes.subarray(0, at) : how === "empty" ? "" : bytes);
    expect(await open().read(rulesOf(80), options)).toEqual(parseModel(rulesOf(80), options));
    expect(parsed).toBe(1);
  });

  it("is looked for once: what the same agent reads later it has never kept", async () => {
    await keep();
    const cache = open();
    await cache.read(rulesOf(81), options);
    await cache.read(rulesOf(80), options);
    expect(parsed).toBe(2);
  });

  it("is kept only of rules that came into force", async () => {
    const cache = open();
    await cache.read(rulesOf(80), options);
    cache.keepSoon(rulesOf(81), options);
    await vi.advanceTimersByTimeAsync(2000);
    expect(existsSync(path())).toBe(false);
  });

  it("is not kept where the program does not know itself, as in the source tree", async () => {
    const cache = open(null);
    await cache.read(rulesOf(80), options);
    cache.keepSoon(rulesOf(80), options);
    await vi.advanceTimersByTimeAsync(2000);
    expect(existsSync(path())).toBe(false);
  });
});
