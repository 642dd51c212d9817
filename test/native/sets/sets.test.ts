/** The opening table (bpf/include/opening.h, claim.h) under two CPUs, in every order, and under many at once. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildSets } from "../build.ts";

/** Every so many-th order is played; all of them, two million, with `RINGWALL_TORTURE=all`. */
const stride = process.env.RINGWALL_TORTURE === "all" ? 1 : 10;
const seed = Number(process.env.RINGWALL_SEED ?? 1);

let folder = "";
let program = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-sets-"));
  program = buildSets(folder);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it("two CPUs at one set, each stopped before any of its steps, leave every session whole and once, and lose none", () => {
  const { status, stdout, stderr } = spawnSync(program, ["steps", String(stride)], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(Number(/^(\d+) orders/.exec(stdout)?.[1])).toBeGreaterThan(20_000);
});

it("threads that open, find, renew and forget the same flows find each of them whole, and count exactly", () => {
  const said = execFileSync(program, ["hammer", String(seed)], { encoding: "utf8" });
  console.log(said);
  expect(said.trimEnd().split("\n")).toHaveLength(2);
});
