/** 20 MB of legal rules: read by a running agent, which goes on answering. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askAgent } from "../../src/cli/client.ts";
import { defaultLimits } from "../../src/model/model.ts";
import { parseModelApart } from "../../src/model/parse-apart.ts";
import { guestRules, Host } from "../cli/host.ts";

const groups = 500;
const rulesEach = 200;

/** 20 MB: beside the guests' own file, so its network and groups are its own; some interfaces are this host's. */
function largeRules(): string {
  const parts = ["version: 1\nnetworks:\n  vpc-large: {type: vpc}\ngroups:\n"];
  for (let group = 0; group < groups; group++) {
    parts.push(`  sg-large-${group}:\n    type: basic\n    network: vpc-large\n    rules:\n`);
    for (let rule = 0; rule < rulesEach; rule++)
      parts.push(
        `      - {direction: ingress, policy: accept, protocol: tcp, portRange: ${1000 + rule}/${1000 + rule}, remote: 10.${group >> 8}.${group & 255}.0/24, priority: ${1 + (rule % 100)}, description: "the ${rule}th rule of a group with many of them, which is here to be long enough"}\n`,
      );
  }
  parts.push("instances:\n");
  for (let number = 0; number < 50; number++)
    parts.push(
      `  i-large-${number}: {interfaces: {eni-large-${number}: {device: large${number}, network: vpc-large, mac: "02:00:00:01:00:${number.toString(16).padStart(2, "0")}", addresses: [10.250.0.${number + 1}], groups: [sg-large-${number}]}}}\n`,
    );
  return parts.join("");
}

const text = largeRules();

describe("20 MB of legal rules", () => {
  let host: Host;
  beforeAll(async () => {
    host = new Host(19478);
    await host.startAgent();
  });
  afterAll(() => host.remove());

  it("are in force, and the agent answers all the while", async () => {
    expect(text.length).toBeGreaterThan(19_000_000);
    const started = performance.now();
    writeFileSync(join(host.folder, "rules.d", "large.yaml"), text, { mode: 0o600 });
    let answers = 0;
    let slowest = 0;
    for (;;) {
      const asked = performance.now();
      const { policy } = await askAgent(host.socket, "status", {});
      slowest = Math.max(slowest, performance.now() - asked);
      if (policy.revision === 2) break;
      expect(policy.refused).toBeNull();
      answers++;
      await sleep(50);
    }
    const seconds = (performance.now() - started) / 1000;
    console.log(
      `in force after ${seconds.toFixed(1)} s; ${answers} answers meanwhile, the slowest in ${slowest.toFixed(0)} ms`,
    );
    // Times are printed: how long they are is the machine's affair. One that the reading blocked would not answer.
    expect(answers).toBeGreaterThan(20);
    expect(host.reaches(1, 2)).toBe(true);
  });
});

describe("a rule set that takes more memory than there may be", () => {
  it("is refused, and nothing else ends", async () => {
    const result = await parseModelApart(
      [{ path: "large.yaml", text }],
      { limits: defaultLimits, host: "h" },
      { heapMax: 64 },
    );
    expect(result.model).toBeNull();
    expect(result.diagnostics).toMatchObject([
      { code: "file-too-large", message: expect.stringContaining("64 MiB") },
    ]);
  });

  it("ends at once when nobody waits for it any more", async () => {
    const abort = new AbortController();
    const reading = parseModelApart(
      [{ path: "large.yaml", text }],
      { limits: defaultLimits, host: "h" },
      { signal: abort.signal, onProgress: () => abort.abort(new Error("enough")) },
    );
    await expect(reading).rejects.toThrow("enough");
  });
});

it("says the same in a thread of its own as on the loop", async () => {
  const files = [
    { path: "a.yaml", text: guestRules },
    { path: "b.yaml", text: largeRules().replace(/sg-large-7:/, "sg-large-8:") },
  ];
  const whole = await parseModelApart(files, { limits: defaultLimits, host: "h" });
  expect(whole.model).toBeNull();
  expect(whole.diagnostics).toMatchObject([{ code: "duplicate-key" }]);
});
