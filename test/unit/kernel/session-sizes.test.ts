import { describe, expect, it } from "vitest";
import { describeSmaller } from "../../../src/kernel/session-sizes.ts";

const sizes = (established: number) => ({ established, answered: 1024, opening: 1024 });
const one = (id: string, has: number, asked: number, fitting = asked) => ({
  id,
  limits: { established: { limit: has }, answered: { limit: 1024 }, opening: { limit: 1024 } },
  asked: sizes(asked),
  fitting: sizes(fitting),
});

describe("tables that are smaller than they would be made now", () => {
  it("are said, the first by its figures, and what to do", () => {
    const text = describeSmaller([
      one("eni-1", 4096, 4096),
      one("eni-2", 4096, 4097),
      one("eni-3", 4096, 9000),
    ]);
    expect(text).toMatch(
      /^eni-2 and 1 more: .*\(established 4096, not 4097\): .*leaves the rules and comes back/,
    );
  });

  it("are not said where they are as asked for, or larger", () => {
    expect(describeSmaller([])).toBeNull();
    expect(describeSmaller([one("eni-1", 4096, 4096), one("eni-2", 8192, 4096)])).toBeNull();
  });

  it("are said where they were shrunk to fit and there is much more room now, not where there is a little", () => {
    expect(describeSmaller([one("eni-1", 4000, 16_384, 4999)])).toBeNull();
    expect(describeSmaller([one("eni-1", 4000, 16_384, 5001)])).toMatch(/established 4000, not 5001/);
  });
});
