import { getPriority } from "node:os";
import { expect, it } from "vitest";
import { beforeOthers } from "../../../src/kernel/before-others.ts";
import { nextTurn } from "../../../src/kernel/slices.ts";

it("what must not wait is done before others, and then it is as it was, also where it fails", async () => {
  const usual = getPriority();
  const seen: number[] = [];
  await beforeOthers(async () => {
    seen.push(getPriority());
    await nextTurn();
    seen.push(getPriority());
  });
  expect(seen).toEqual([-20, -20]);
  expect(getPriority()).toBe(usual);
  const fail = async () => {
    await nextTurn();
    throw new Error("no device");
  };
  await expect(beforeOthers(fail)).rejects.toThrow("no device");
  expect(getPriority()).toBe(usual);
});

it("what is over within or beside other work leaves that before others", async () => {
  const usual = getPriority();
  let finish = () => {};
  const last = beforeOthers(() => new Promise((resolve) => (finish = resolve)));
  await beforeOthers(async () => {
    await beforeOthers(nextTurn);
    expect(getPriority()).toBe(-20);
  });
  expect(getPriority()).toBe(-20);
  finish();
  await last;
  expect(getPriority()).toBe(usual);
});
