import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLog } from "../../../src/agent/log.ts";
import { listDifferences, Verifier } from "../../../src/agent/verifier.ts";
import type { Verification } from "../../../src/kernel/status.ts";
import { FakeEnforcer } from "./fake-enforcer.ts";

const time = "2026-01-01T00:00:00.000Z";
const difference = { map: "rw_cells", message: "cell 7 differs", interfaces: ["eni-1"], mended: true };
const found: Verification = { time, duration_ms: 5, policies: 1, differences: [difference], problem: null };
const left: Verification = {
  ...found,
  differences: [{ ...difference, mended: false }],
  problem: "rw_words is full",
};

let log: string[];
let kernel: FakeEnforcer;
let verifier: Verifier;
beforeEach(() => {
  log = [];
  kernel = new FakeEnforcer();
  const sink = { write: (line: string) => log.push(line) };
  verifier = new Verifier(kernel, createLog({ level: "info", format: "json" }, sink));
});
afterEach(() => vi.useRealTimers());

describe("a verifier", () => {
  it("looks once a minute until it is stopped", async () => {
    vi.useFakeTimers();
    const stop = verifier.start();
    await vi.advanceTimersByTimeAsync(59_999);
    expect(kernel.verifications).toBe(0);
    await vi.advanceTimersByTimeAsync(1);
    expect(kernel.verifications).toBe(1);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(kernel.verifications).toBe(3);
    stop();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(kernel.verifications).toBe(3);
  });

  it("does not look again before the last look has ended", async () => {
    vi.useFakeTimers();
    let settle: (verification: Verification | null) => void = () => {};
    kernel.verify = () => {
      kernel.verifications++;
      return new Promise((resolve) => {
        settle = resolve;
      });
    };
    const stop = verifier.start();
    await vi.advanceTimersByTimeAsync(180_000);
    expect(kernel.verifications).toBe(1);
    settle(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(kernel.verifications).toBe(2);
    stop();
  });

  it("logs each difference as an error, with its map and whether it is mended", async () => {
    kernel.willFind = left;
    await verifier.verify();
    expect(log.map((line) => JSON.parse(line))).toMatchObject([
      {
        level: "error",
        map: "rw_cells",
        interfaces: ["eni-1"],
        mended: false,
        msg: expect.stringContaining("cell 7 differs"),
      },
      { level: "error", problem: "rw_words is full" },
    ]);
  });

  it("says nothing where nothing differs", async () => {
    kernel.willFind = { ...found, differences: [] };
    await verifier.verify();
    expect(log).toEqual([]);
  });

  it("fails as the kernel's fault where the maps cannot be read", async () => {
    kernel.verify = async () => {
      throw new Error("EPERM");
    };
    await expect(verifier.verify()).rejects.toMatchObject({
      code: "kernel",
      message: expect.stringContaining("EPERM"),
    });
  });
});

describe("problems of status", () => {
  const at = (verification: Verification, minutes: number) => {
    kernel.verified = verification;
    return listDifferences(kernel.status(), Date.parse(time) + minutes * 60_000);
  };

  it("name what was mended for an hour, and what was not for as long as it is so", () => {
    expect(at(found, 59)).toEqual([
      expect.stringMatching(/^rw_cells was changed by something else: cell 7 differs \(mended, /),
    ]);
    expect(at(found, 61)).toEqual([]);
    expect(at(left, 61)).toEqual([
      expect.stringContaining("NOT mended"),
      "not all could be mended: rw_words is full",
    ]);
  });

  it("tell twenty differences, and how many more there are", () => {
    const differences = Array.from({ length: 50 }, (_, index) => ({
      ...difference,
      message: `cell ${index}`,
    }));
    const problems = at({ ...found, differences }, 1);
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)).toBe("30 more places of the maps were changed");
  });

  it("name interfaces whose policy is not proven", async () => {
    const status = { ...kernel.status(), interfaces: [unproven()] };
    expect(listDifferences(status, Date.parse(time))).toEqual([
      "eni-9: what the kernel holds of its rules is not proven",
    ]);
  });
});

function unproven() {
  return {
    interface: "eni-9",
    number: 1,
    device: "tap9",
    ifindex: 9,
    state: "enforcing" as const,
    mode: "tc" as const,
    programs: { xdp: null, tcEgress: 1, tcIngress: 2 },
    policy: 1n,
    version: 1,
    generation: 1,
    proven: null,
    forwarding: { wanted: "kernel" as const, now: "kernel" as const, reason: null },
    tables: [],
    problem: null,
  };
}
