import { getPriority } from "node:os";
import { expect, it } from "vitest";
import { beforeOthers } from "../../../src/kernel/before-others.ts";

it("what must not wait is done before others, and then it is as it was, also where it fails", () => {
  const usual = getPriority();
  let during = usual;
  beforeOthers(() => {
    during = getPriority();
  });
  expect(during).toBe(-20);
  expect(getPriority()).toBe(usual);
  const fail = () => {
    throw new Error("no device");
  };
  expect(() => beforeOthers(fail)).toThrow("no device");
  expect(getPriority()).toBe(usual);
});
