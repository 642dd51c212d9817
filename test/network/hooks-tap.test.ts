/** As hooks.test.ts, on the tap devices of virtual machines. */
import { afterAll, beforeAll, describe, it } from "vitest";
import { expectSameVerdicts, HooksPlay } from "./hooks-play.ts";

let play: HooksPlay;
beforeAll(async () => {
  play = await HooksPlay.start("hooks-tap", "tap");
});
afterAll(() => play.remove());

describe.each(["native", "generic", "tc"] as const)("guests on tap devices, attached as %s", (mode) => {
  it("are judged alike on every way, with an uplink program and without, each frame once at each end", async () => {
    await expectSameVerdicts(play, mode);
  });
});
