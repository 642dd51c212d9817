import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sanitizedProgram } from "../native/build.ts";
import { findFaults, type Judge } from "./judge.ts";
import { arbitraryLives, arbitrarySettings, writeLife } from "./lives.ts";
import { parseScript } from "./parse.ts";
import { KernelStage } from "./play-kernel.ts";
import { nativeJudge } from "./play-native.ts";
import { oracleJudge } from "./play-oracle.ts";
import { printScript } from "./print.ts";
import type { Script } from "./script.ts";

/** A fixed seed in CI; RINGWALL_SEED tries another, RINGWALL_LIVES more of them. */
const seed = Number(process.env.RINGWALL_SEED ?? 1);
const runs = Number(process.env.RINGWALL_LIVES ?? 12);
const commandsMost = 150;

let stage: KernelStage;
let judges: readonly Judge[] = [];

beforeAll(async () => {
  stage = await KernelStage.open();
  judges = [nativeJudge(sanitizedProgram()), stage.judge("xdp"), stage.judge("tc")];
});
afterAll(() => {
  stage?.close();
});

const lives = fc.tuple(arbitraryLives(commandsMost), fc.constantFrom(4, 6), arbitrarySettings);

/** Throws with the script, so that it can be kept as a file of this folder. */
async function holdAgainst(script: Script, asked: readonly Judge[]): Promise<void> {
  if (script.steps.length === 0) return;
  const [family = 4] = script.families;
  for (const judge of asked) {
    const faults = findFaults(script, family, judge.name, await judge.play(script, family));
    if (faults.length > 0) throw new Error(`${faults.slice(0, 5).join("\n")}\n${printScript(script)}`);
  }
}

/** Verdicts, reasons, uses of sessions and states: words that lives have to reach. */
const wanted = [
  ..."session rule no-rule default-egress default-drop revoked related midstream".split(" "),
  ..."opening established closing unreplied replied icmp others none".split(" "),
];

describe("random lives of many connections", () => {
  it("go as the oracle says, in verdict, session, state and remaining time", async () => {
    const reached = new Set<string>();
    let packets = 0;
    const property = fc.asyncProperty(lives, async ([commands, family, settings]) => {
      const script = writeLife(commands, family, settings);
      for (const step of script.steps) {
        if (step.kind === "packet") packets++;
        const words =
          step.kind === "packet" ? step.expect.split(" ") : step.kind === "session" ? [step.state] : [];
        for (const word of words) reached.add(word);
      }
      await holdAgainst(script, judges);
    });
    await fc.assert(property, { seed, numRuns: runs });
    console.log(`seed ${seed}: ${runs} lives, ${packets} packets, each on ${judges.length} judges`);
    expect(wanted.filter((word) => !reached.has(word))).toEqual([]);
    expect(packets).toBeGreaterThan(runs * 20);
  }, 300_000);

  it("control: of a judge that takes closing for established, shrink to a short script that can be kept", async () => {
    const liar: Judge = {
      name: "liar",
      play: async (script, family) =>
        (await oracleJudge.play(script, family)).map((said) =>
          said === null ? null : said.replace("closing, expires 10", "established, expires 910"),
        ),
    };
    const property = fc.asyncProperty(lives, async ([commands, family, settings]) =>
      holdAgainst(writeLife(commands, family, settings), [liar]),
    );
    const { counterexample } = await fc.check(property, { seed, numRuns: 200 });
    if (counterexample === null) throw new Error(`seed ${seed}: the liar was believed`);
    const [[commands, family, settings]] = counterexample;
    const script = writeLife(commands, family, settings);
    expect(script.steps.filter(({ kind }) => kind === "packet").length).toBeLessThan(6);
    const kept = parseScript("kept.seq", printScript(script));
    expect(findFaults(kept, family, "liar", await liar.play(kept, family))).not.toEqual([]);
    expect(findFaults(kept, family, "oracle", await oracleJudge.play(kept, family))).toEqual([]);
  });
});
