import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostileFiles } from "./corpus.ts";
import { allowance, runMeasured } from "./measured.ts";

/** On a quiet machine. */
const cpuSecondsMax = 2;
/** MiB. */
const residentMax = 512;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-hostile-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("a rules file that means harm", () => {
  it.each(hostileFiles)("$name: is answered within 2 s of CPU and 512 MB", ({ text, says }) => {
    const file = join(folder, "rules.yaml");
    writeFileSync(file, text());
    const { code, stderr, cpuSeconds, residentMax: resident } = runMeasured(["validate", file]);
    if (says === null) expect([code, stderr]).toEqual([0, ""]);
    else {
      expect(code).toBe(1);
      expect(stderr).toMatch(says);
    }
    expect(cpuSeconds).toBeLessThan(allowance(cpuSecondsMax, cpuSeconds));
    expect(resident).toBeLessThan(residentMax);
    expect(stderr.length).toBeLessThan(1024 * 1024);
  });
});
