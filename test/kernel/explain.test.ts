import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Ask, answerQuestion } from "../../src/agent/explain.ts";
import { Failure } from "../../src/agent/failure.ts";
import type { ExplainReply, Question } from "../../src/agent/protocol.ts";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Model } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { arbitraryModel, pools } from "../support/arbitrary.ts";
import { bed } from "../support/bed.ts";
import { seed } from "../support/seed.ts";
import { objectPath } from "./host.ts";

const host = "here";

/** How the kernel is asked about each model in turn: the programs are loaded once. */
async function withKernel(use: (askAbout: (model: Model) => Promise<Ask>) => Promise<void>): Promise<void> {
  const compiled = (model: Model) => {
    const resolved = resolve(model, { host });
    return { resolved, policies: compileAll(resolved) };
  };
  const run = await TestRun.open({ object: objectPath, ...compiled(bed()), settings: defaultSettings });
  let time = Date.now() / 1000;
  try {
    await use(async (model) => {
      const { resolved, policies } = compiled(model);
      await run.change(resolved, policies);
      const here = new Set(resolved.interfaces.map(({ interface: { id } }) => id));
      return async (id, direction, frame) => {
        if (!here.has(id)) return null;
        // Each question is about a packet of its own: no session, and no DHCP server of an earlier one, answers it.
        await run.flush(id);
        time += 1000;
        const [verdict] = run.run({ interface: id, direction, packets: [frame], times: [time] });
        return verdict ?? null;
      };
    });
  } finally {
    run.close();
  }
}

const ends = fc.constantFrom(
  ...["eni-0", "eni-1", "eni-2", "eni-4", "eni-6", "10.0.0.11", "10.0.0.12", "2001:db8::11"],
  ...[pools.vip4, pools.vip6, pools.gateway4, "255.255.255.255", "224.0.0.251", "ff02::1:2", "fe80::1"],
  ...["eni-0@224.0.0.251", "eni-1@10.0.0.200", "eni-4@198.51.100.7", "eni-0@ff02::fb"],
  ...pools.outside4,
  ...pools.outside6,
);
const service = fc.oneof(
  fc.record({
    protocol: fc.constantFrom("tcp", "udp"),
    port: fc.constantFrom(...pools.ports, 67, 68, 547),
    sourcePort: fc.constantFrom(undefined, 67, 68, 546, ...pools.ports),
  }),
  fc.record({
    protocol: fc.constantFrom("icmp", "icmpv6"),
    icmpType: fc.constantFrom(undefined, 0, 3, 5, 8, 128, 129, 133, 134, 135, 136, 137, 143),
  }),
  fc.record({ protocol: fc.constantFrom("gre", "50", "132", "2", "1") }),
);
const question: fc.Arbitrary<Question> = fc
  .record({ from: ends, to: ends, network: fc.constantFrom(undefined, "vpc-a", "classic"), service })
  .map(({ service: asked, ...rest }) => ({ ...rest, ...asked }));

/** What chance would seldom ask: the stages before the rules. */
const directed: readonly Question[] = ["eni-0", "eni-1", "eni-2", "eni-4"].flatMap((from) => [
  { from, to: "255.255.255.255", protocol: "udp", port: 67, sourcePort: 68 },
  { from, to: "198.51.100.7", protocol: "udp", port: 68, sourcePort: 67 },
  { from, to: "198.51.100.7", protocol: "icmp", icmpType: 5 },
  { from, to: "2001:db8:ffff::7", protocol: "icmpv6", icmpType: 136 },
  { from: `${from}@198.51.100.200`, to: "203.0.113.9", protocol: "tcp", port: 80 },
  { from: "224.0.0.251", to: from, protocol: "udp", port: 5353 },
]);

describe("explain asks the kernel", () => {
  it(`and the two agree on verdict and reason, whatever is asked (seed ${seed})`, async () => {
    const reasons = new Map<string, number>();
    const note = ({ sides, kernel }: ExplainReply): void => {
      if (kernel === null) return;
      for (const { reason } of sides) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    };
    const models = fc.sample(arbitraryModel(), { seed, numRuns: 12 });
    const questions = fc.sample(question, { seed, numRuns: 12 * 100 });
    await withKernel(async (askAbout) => {
      for (const [index, model] of models.entries()) {
        const ask = await askAbout(model);
        for (const asked of [...directed, ...questions.slice(100 * index, 100 * index + 100)]) {
          const reply = await answerQuestion(model, asked, ask).catch((error: unknown) => {
            if (error instanceof Failure) return null;
            throw error;
          });
          if (reply === null) continue;
          const { kernel, sides } = reply;
          expect(kernel?.agrees ?? true, JSON.stringify({ asked, kernel, sides })).toBe(true);
          note(reply);
        }
      }
    });
    const wanted = ["rule", "inner-access", "default-egress", "no-rule", "default-drop", "observed", "dhcp"];
    const before = ["malformed", "redirect", "spoofed-address", "neighbour-discovery"];
    for (const reason of [...wanted, ...before]) expect(reasons.get(reason) ?? 0, reason).toBeGreaterThan(0);
  });
});
