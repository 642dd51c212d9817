import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sanitizedProgram } from "../native/build.ts";
import { readScripts } from "./files.ts";
import { findFaults, type Judge } from "./judge.ts";
import { parseScript } from "./parse.ts";
import { KernelStage } from "./play-kernel.ts";
import { nativeJudge } from "./play-native.ts";
import { oracleJudge } from "./play-oracle.ts";
import { printScript } from "./print.ts";

let stage: KernelStage;
let judges: readonly Judge[] = [];

beforeAll(async () => {
  stage = await KernelStage.open();
  judges = [oracleJudge, nativeJudge(sanitizedProgram()), stage.judge("xdp"), stage.judge("tc")];
});
afterAll(() => {
  stage?.close();
});

describe.each(readScripts())("%s", (_, script) => {
  for (const family of script.families) {
    it(`is judged alike by the oracle, the host program and the kernel (IPv${family})`, async () => {
      const faults: string[] = [];
      for (const judge of judges) {
        faults.push(...findFaults(script, family, judge.name, await judge.play(script, family)));
      }
      expect(faults).toEqual([]);
    });
  }

  it("reads the same when it is printed", () => {
    const again = parseScript(script.file, printScript(script));
    const withoutLines = (steps: typeof script.steps) => steps.map((step) => ({ ...step, line: 0 }));
    expect({ ...again, steps: withoutLines(again.steps) }).toEqual({
      ...script,
      steps: withoutLines(script.steps),
    });
  });
});
