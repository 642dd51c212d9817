/** The same verdicts on every way to a guest, in every way of attachment; each frame judged once at each end. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KernelStatus } from "../../src/kernel/status.ts";
import { compileObject } from "../kernel/compile-object.ts";
import { expectSameVerdicts, HooksPlay } from "./hooks-play.ts";
import { denied, type Exchange, isAnswered, nameOf } from "./hooks-round.ts";

let play: HooksPlay;
beforeAll(async () => {
  play = await HooksPlay.start("hooks", "veth");
});
afterAll(() => play.remove());

describe.each(["native", "generic", "tc"] as const)("guests on veth devices, attached as %s", (mode) => {
  it("are judged alike on every way, with an uplink program and without, each frame once at each end", async () => {
    await expectSameVerdicts(play, mode);
  });
});

describe("control: a device whose programs somebody put others in the place of", () => {
  const forge = compileObject("forge");
  afterAll(() => forge.remove());

  it("is seen by the same counts and exchanges", async () => {
    await play.withDrivers(
      "tc",
      async (drivers, roots) => {
        const { interfaces } = await drivers.a.call<KernelStatus>("status");
        const ifindex = interfaces.find((one) => one.interface === "eni-2")?.ifindex;
        const pins = ["tc-egress", "tc-ingress"].map((hook) => join(roots.a, "links", `${ifindex}-${hook}`));
        await drivers.a.call("disarm", { object: forge.path, pins });
        const opened = (one: Exchange) => one.decider === 2 && one.direction === "ingress";
        const { heard, frames } = await play.playRound(
          drivers,
          "tc",
          (one) => isAnswered(one) || opened(one),
        );
        for (const { guest, sent, judgedSent, received, judgedReceived } of frames)
          expect([guest, sent === judgedSent, received === judgedReceived]).toEqual([
            guest,
            guest !== 2,
            guest !== 2,
          ]);
        const open = denied.filter(opened);
        expect(open.length).toBeGreaterThan(0);
        expect(open.filter((one) => !heard.has(nameOf(one))).map(nameOf)).toEqual([]);
      },
      true,
    );
  });
});
