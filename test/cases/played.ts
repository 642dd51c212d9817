/** Cases that are frames and verdicts: played on the oracle and on the shipped programs, as XDP and as tc. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Direction } from "../../src/model/model.ts";
import type { Play, Row } from "../semantics/rows.ts";
import { matchesExpected, Stage } from "../semantics/stage.ts";
import type { Step } from "../semantics/steps.ts";
import { hex } from "../support/packet.ts";

/** A frame as the case writes it. */
function asWritten(direction: Direction, text: string | Uint8Array, expected: string): Step {
  const bytes = typeof text === "string" ? hex(text) : text;
  return { kind: "packet", on: "eni-1", direction, frame: () => bytes, expect: expected };
}

/** What the guest sends. */
export const sends = (text: string | Uint8Array, expected: string): Step =>
  asWritten("egress", text, expected);
/** What reaches it. */
export const gets = (text: string | Uint8Array, expected: string): Step =>
  asWritten("ingress", text, expected);

/** The frame with bytes of its own at an offset. */
export function patch(text: string, offset: number, ...bytes: readonly number[]): Uint8Array {
  const frame = hex(text);
  frame.set(bytes, offset);
  return frame;
}

function testPlay(row: Play, stage: () => Stage): void {
  for (const family of row.families)
    for (const hook of ["xdp", "tc"] as const) {
      it(`${row.claim} (IPv${family}, ${hook})`, async () => {
        const judged = await stage().play(row, family, hook);
        expect(judged.length).toBeGreaterThan(0);
        expect(judged.filter((one) => !matchesExpected(one))).toEqual([]);
        // The kernel must have judged, not only been left out.
        expect(judged.some(({ kernel }) => kernel !== null)).toBe(true);
      });
    }
}

/** A test of each row, by the case's name. */
export function testCases(cases: Readonly<Record<string, readonly Row[]>>): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open();
  });
  afterAll(() => stage?.close());
  for (const [name, rows] of Object.entries(cases)) {
    describe(name, () => {
      for (const row of rows) {
        if (row.kind === "play") testPlay(row, () => stage);
        else it(row.claim, row.run);
      }
    });
  }
}
