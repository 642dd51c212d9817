import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, it } from "vitest";
import { WholeDirectory } from "../../../src/kernel/repin.ts";

const folder = mkdtempSync(join(tmpdir(), "ringwall-repin-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let asked = 0;
const pin = { pin: (path: string) => writeFileSync(path, "") };
const restore = (whole: WholeDirectory): number =>
  whole.restore(folder, () => {
    asked++;
    return [["pin", pin]];
  });

/** As if nothing had happened there for a minute. */
function age(): void {
  const past = new Date(Date.now() - 60_000);
  utimesSync(folder, past, past);
}

beforeEach(() => {
  writeFileSync(join(folder, "pin"), "");
  age();
  asked = 0;
});

it("pins are asked for again only when some came or went", () => {
  const whole = new WholeDirectory();
  expect([restore(whole), restore(whole), asked]).toEqual([0, 0, 1]);
  rmSync(join(folder, "pin"));
  expect([restore(whole), asked]).toEqual([1, 2]);
});

it("a pin that is there is not asked about, and one that is missing only made where it is due", () => {
  const asked: string[] = [];
  const wanted = (name: string, isDue: boolean) =>
    [
      name,
      pin,
      () => {
        asked.push(name);
        return isDue;
      },
    ] as const;
  const made = new WholeDirectory().restore(folder, () => [
    wanted("pin", false),
    wanted("gone", false),
    wanted("due", true),
  ]);
  expect([made, asked, existsSync(join(folder, "due"))]).toEqual([1, ["gone", "due"], true]);
  rmSync(join(folder, "due"));
});

it("a directory that changed just now is looked at again: another change may bear the same time", () => {
  const whole = new WholeDirectory();
  rmSync(join(folder, "pin"));
  expect([restore(whole), restore(whole), asked]).toEqual([1, 0, 2]);
  age();
  expect([restore(whole), restore(whole), asked]).toEqual([0, 0, 3]);
});
