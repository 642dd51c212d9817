import { beforeAll, expect, it } from "vitest";
import { sayKernel } from "../support/say.ts";
import { sanitizedProgram } from "./build.ts";
import { readVerdict, runProgram } from "./program.ts";
import { type RowFrame, sayRows } from "./rows.ts";

let program = "";

beforeAll(() => {
  program = sanitizedProgram();
});

/** A row says verdict and reason; the session is none where it names none, the rule any. */
function isAs(said: string, { expected }: RowFrame): boolean {
  const full = expected.split(" ").length === 2 ? `${expected} none` : expected;
  return said.startsWith(full);
}

it("the host program judges every row of every sentence as it is written, under sanitizers", async () => {
  const rows = await sayRows();
  const { end, stderr, lines } = runProgram(program, rows.map(({ text }) => text).join(""));
  expect(end, stderr).toBe(0);
  const verdicts = lines.filter((line) => /^\d/.test(line)).map(readVerdict);
  const frames = rows.flatMap((row) => row.frames);
  expect(verdicts).toHaveLength(frames.length);
  const wrong = frames.flatMap((frame, index) => {
    const verdict = verdicts[index];
    const said = verdict === undefined ? "nothing" : sayKernel(verdict, frame.resolved, frame.interface);
    return isAs(said, frame) ? [] : [`${frame.row}: ${said}, not ${frame.expected}`];
  });
  expect(wrong).toEqual([]);
  expect(frames.length).toBeGreaterThan(1000);
});
