/** 20 MB of legal rules: read by a running agent, which goes on answering. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { askAgent } from "../../src/cli/client.ts";
import { Host } from "../cli/host.ts";
import { largeRules } from "./large-rules.ts";

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
