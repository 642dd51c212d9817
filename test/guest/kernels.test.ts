/**
 * Debian's other kernels: a sample of the kernel tests in each. `make test` asks the oldest for a part (half a minute
 * of a processor, most of it the verifier under emulation), `make kernels` asks all, for more.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleDriver } from "../kernel/namespace.ts";
import { jitedMost, verifiedMost } from "../kernel/sizes.ts";
import { bundleScript, type Guest, startGuest } from "./boot.ts";

const asked = process.env.RINGWALL_KERNELS;
const kernels = (asked ?? "6.1").split(" ");
/** Packets that kernel and oracle are asked for. */
const packets = Number(process.env.RINGWALL_GUEST_PACKETS ?? 300);

/** What the packets have to reach, the more the more there are. */
const wantedReasons = ["rule", "session", "fragment", "related", ...(packets < 1000 ? [] : ["revoked"])];

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

/** For all kernels. */
let bundle: ReturnType<typeof bundleScript>;
let driver: ReturnType<typeof bundleDriver>;
beforeAll(() => {
  bundle = bundleScript("sample");
  driver = bundleDriver("guest");
});
afterAll(() => {
  bundle?.remove();
  driver?.remove();
});

describe.each(kernels)("Linux %s of Debian", (series) => {
  let guest: Guest;
  beforeAll(async () => {
    guest = startGuest({
      series,
      script: `node ${bundle.path} ${packets} ${asked === undefined ? "" : driver.path}`,
      seconds: 1800,
    });
    await guest.ended;
  }, 2_000_000);
  afterAll(() => guest?.stop());

  it("is the kernel that answers, and answers to the end", async () => {
    expect(answerOf(guest, "release")).toMatch(new RegExp(`^${series.replace(".", "\\.")}\\.`));
    expect({ code: await guest.ended, said: guest.lines }).toMatchObject({ code: 0 });
  });

  it("verifies each program in a tenth of what the verifier walks", () => {
    const sizes = answerOf(guest, "sizes") as { verifiedInstructions: number; jitedSize: number }[];
    console.log(`Linux ${series}:`, sizes.map((size) => Object.values(size).join(" ")).join("; "));
    expect(sizes.length).toBeGreaterThanOrEqual(7);
    expect(Math.max(...sizes.map((size) => size.verifiedInstructions))).toBeLessThanOrEqual(verifiedMost);
    expect(Math.max(...sizes.map((size) => size.jitedSize))).toBeLessThanOrEqual(jitedMost);
  });

  it("counts sessions and packets where they lie", () => {
    expect(answerOf(guest, "counted")).toEqual({
      established: [{ present: 1, alive: 1 }],
      opening: [{ present: 0, alive: 0 }],
      counters: 24,
    });
  });

  it("judges generated packets as the oracle does", () => {
    const { compared, differences, reasons } = answerOf(guest, "oracle") as {
      compared: number;
      differences: string[];
      reasons: string[];
    };
    console.log(`Linux ${series}: ${compared} packets, ${reasons.length} reasons`);
    expect(differences).toEqual([]);
    expect(compared).toBeGreaterThanOrEqual(packets);
    expect(reasons).toEqual(expect.arrayContaining(wantedReasons));
  });

  if (asked === undefined) return;

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
