import { expect, it } from "vitest";
import { Round } from "../../../src/kernel/slices.ts";

it("goes through all, some at a time, and begins anew, also where they became fewer", () => {
  const round = new Round();
  const all = [1, 2, 3, 4, 5];
  const next = (some: readonly number[]) => round.next(some, 2);
  expect([next(all), next(all), next(all), next(all)]).toEqual([[1, 2], [3, 4], [5], [1, 2]]);
  expect([next([7]), next([7]), next([]), next(all)]).toEqual([[7], [7], [], [1, 2]]);
});
