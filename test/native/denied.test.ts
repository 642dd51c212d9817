/**
 * What an uplink remembers of its drops changes nothing: the same frames, changes and settings, once as they are and
 * once with the memory wiped before each frame, leave the same actions, counters, events and sessions.
 */
import { beforeAll, expect, it } from "vitest";
import { seed } from "../support/seed.ts";
import { sanitizedProgram } from "./build.ts";
import { runProgram } from "./program.ts";
import { deniedRounds, sayDenied } from "./scenes/denied.ts";

let program = "";
beforeAll(() => {
  program = sanitizedProgram();
});

async function tell(round: number, wipes: boolean): Promise<readonly string[]> {
  const { end, stderr, lines } = runProgram(program, await sayDenied(round, wipes));
  expect(end, stderr).toBe(0);
  return lines;
}

const isWork = (line: string): boolean => line.startsWith("work ");
/** Drops that took no more look-ups than an uplink without memory takes to know whom a frame is for. */
function countShort(lines: readonly string[]): number {
  const ran = lines.filter((line) => isWork(line) || line.startsWith("ran "));
  return ran.filter((line, index) => {
    const [, , hashes = 0, tries = 0] = (ran[index + 1] ?? "").split(" ").map(Number);
    return line.startsWith("ran 1 ") && hashes + tries <= 2;
  }).length;
}

it("an uplink that remembers what it dropped does what one without memory does, with less work", async () => {
  let [short, dropped] = [0, 0];
  for (let round = 0; round < deniedRounds; round++) {
    const [one, other] = [await tell(round, false), await tell(round, true)];
    expect(one.filter((line) => !isWork(line))).toEqual(other.filter((line) => !isWork(line)));
    short += countShort(one) - countShort(other);
    dropped += one.filter((line) => line.startsWith("ran 1 ")).length;
  }
  console.log(`seed ${seed}: ${dropped} drops, ${short} of them remembered`);
  expect(short).toBeGreaterThan(150);
});
