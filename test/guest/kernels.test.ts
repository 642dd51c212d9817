/** Debian's other kernels: a sample of the kernel tests in each. `make kernels` asks for all, and for more. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleScript, type Guest, startGuest } from "./boot.ts";

const kernels = (process.env.RINGWALL_KERNELS ?? "6.1").split(" ");
/** Packets that kernel and oracle are asked for. */
const packets = Number(process.env.RINGWALL_GUEST_PACKETS ?? 1000);

interface Answer {
  readonly name: string;
  readonly value: unknown;
}

function answerOf(guest: Guest, name: string): unknown {
  for (const line of guest.lines) {
    if (!line.startsWith("{")) continue;
    const answer: Answer = JSON.parse(line);
    if (answer.name === name) return answer.value;
  }
  throw new Error(`the guest did not say "${name}", but: ${guest.lines.join("\n")}`);
}

/** One for all kernels. */
const bundle = bundleScript("sample");
afterAll(() => bundle.remove());

describe.each(kernels)("Linux %s of Debian", (series) => {
  let guest: Guest;
  beforeAll(async () => {
    guest = startGuest({ series, script: `node ${bundle.path} ${packets}`, seconds: 600 });
    await guest.ended;
  }, 700_000);
  afterAll(() => guest?.stop());

  it("is the kernel that answers, and answers to the end", async () => {
    expect(answerOf(guest, "release")).toMatch(new RegExp(`^${series.replace(".", "\\.")}\\.`));
    expect({ code: await guest.ended, said: guest.lines }).toMatchObject({ code: 0 });
  });

  it("loads every program, and judges generated packets as the oracle does", () => {
    const { compared, differences, reasons } = answerOf(guest, "oracle") as {
      compared: number;
      differences: string[];
      reasons: string[];
    };
    console.log(`Linux ${series}: ${compared} packets, ${reasons.length} reasons`);
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThanOrEqual(packets);
    expect(reasons).toEqual(expect.arrayContaining(["rule", "session", "fragment", "revoked", "related"]));
  });

  it("takes the programs on a live device: clsact filters where it has no tcx, links where it has", () => {
    const links = series === "6.1" ? [] : ["tc-egress", "tc-ingress"];
    expect(answerOf(guest, "attached")).toEqual({
      state: "enforcing",
      mode: "tc",
      links,
      ports: ["open", "timeout"],
    });
  });

  it("takes a change back by its own timer", () => {
    expect(answerOf(guest, "confirm")).toEqual({
      during: ["timeout", "open"],
      back: true,
      after: ["open", "timeout"],
      state: { state: "reverted", remaining_seconds: 0 },
    });
  });

  it("ends a rule at its time, by its own clock", () => {
    expect(answerOf(guest, "expires")).toEqual({
      early: ["open", "open"],
      stillEarly: true,
      late: ["open", "timeout"],
    });
  });
});
