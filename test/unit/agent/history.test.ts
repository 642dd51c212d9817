import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { digestFiles, type RuleFile } from "../../../src/agent/applied.ts";
import { History } from "../../../src/agent/history.ts";

let folder: string;
let damage: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-history-"));
  damage = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => History.open(folder, (message) => damage.push(message));
const file = (text: string): RuleFile => ({ path: "rules.yaml", text });

function keep(history: History, text: string, time = "2026-01-01T00:00:00.000Z") {
  const files = [file(text)];
  return history.keep({
    files,
    digest: digestFiles(files),
    time: new Date(time),
    by: { cause: "store" },
    counts: { groups: 1, rules: 2, interfaces: 3 },
  });
}

const revisionsOf = async (history: History) =>
  (await history.list()).revisions.map(({ revision }) => revision);

describe("the history", () => {
  it("keeps each revision with its files, who made it, and what it holds", async () => {
    const history = await open();
    await keep(history, "a");
    await keep(history, "b");
    const { revisions, damaged } = await history.list();
    expect(damaged).toEqual([]);
    expect(revisions).toMatchObject([
      {
        revision: 2,
        by: { cause: "store" },
        counts: { files: 1, groups: 1, rules: 2, interfaces: 3 },
        bytes: 1,
      },
      { revision: 1 },
    ]);
    expect(await (await open()).read(1)).toMatchObject({ revision: 1, files: [file("a")] });
  });

  it("says of a directory that it cannot be kept in what to do", async () => {
    const taken = join(folder, "taken");
    writeFileSync(taken, "a file");
    await expect(History.open(taken, () => undefined)).rejects.toThrow(
      `The state directory ${taken} cannot be used (EEXIST): run as root, or name another directory with --state-dir.`,
    );
  });

  it("is read from a disk that became read-only, and said to be forgetful", async () => {
    const onTmpfs = (options: string) => spawnSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder]);
    expect(onTmpfs("size=64k").status).toBe(0);
    try {
      await keep(await open(), "a");
      expect(onTmpfs("remount,ro").status).toBe(0);
      const history = await open();
      expect(history.last).toMatchObject({ revision: 1, files: [file("a")] });
      const forgetful = /cannot be written \(EROFS\): what comes into force is not remembered/;
      expect(damage).toEqual([expect.stringMatching(forgetful), expect.stringMatching(forgetful)]);
      await expect(keep(history, "b")).rejects.toThrow("EROFS");
      expect(history.last?.revision).toBe(2);
    } finally {
      spawnSync("umount", [folder]);
    }
  });

  it("orders revisions by number, whatever the clock said and however many digits they have", async () => {
    const history = await open();
    for (let turn = 1; turn <= 11; turn++)
      await keep(history, `text ${turn}`, `20${String(40 - turn)}-01-01T00:00:00Z`);
    expect(await revisionsOf(await open())).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    expect((await open()).last?.revision).toBe(11);
  });

  it("writes nothing for what is in force already, and again for what was before", async () => {
    const history = await open();
    await keep(history, "a");
    await keep(history, "a");
    await keep(history, "b");
    await keep(history, "a");
    expect(await revisionsOf(history)).toEqual([3, 2, 1]);
  });

  it("keeps the last 100", async () => {
    const history = await open();
    for (let turn = 1; turn <= 103; turn++) await keep(history, `text ${turn}`);
    const kept = await revisionsOf(history);
    expect([kept.length, kept[0], kept.at(-1)]).toEqual([100, 103, 4]);
    await expect(history.read(3)).rejects.toMatchObject({
      code: "refused",
      message: "There is no revision 3: kept are 4 to 103; `ringwall history` lists them.",
    });
  });

  it("keeps fewer where they are large, and the newest however large it is", async () => {
    const history = await open();
    const large = "x".repeat(24 * 1024 * 1024);
    for (const turn of [1, 2, 3]) await keep(history, `${large}${turn}`);
    expect(await revisionsOf(history)).toEqual([3, 2]);
    await keep(history, "x".repeat(65 * 1024 * 1024));
    expect(await revisionsOf(history)).toEqual([4]);
  });

  it("passes over damaged files and says which", async () => {
    const history = await open();
    for (const text of ["a", "b", "c"]) await keep(history, text);
    const path = (revision: number) => join(folder, "history", String(revision));
    writeFileSync(path(3), "");
    writeFileSync(path(2), readFileSync(path(2), "utf8").replace('"text":"b"', '"text":"B"'));
    const again = await open();
    expect(again.last?.revision).toBe(1);
    expect(damage).toEqual([
      `${path(3)} is damaged: it is cut off or overwritten.`,
      `${path(2)} is damaged: its files are not those that were applied.`,
    ]);
    expect(await again.list()).toMatchObject({
      revisions: [{ revision: 2 }, { revision: 1 }],
      damaged: [expect.stringContaining("/3 is damaged")],
    });
    await expect(again.read(2)).rejects.toMatchObject({ code: "refused" });
    expect((await keep(again, "d")).revision).toBe(4);
  });

  it("does not take one revision's file for another's", async () => {
    const history = await open();
    await keep(history, "a");
    writeFileSync(join(folder, "history", "7"), readFileSync(join(folder, "history", "1")));
    await expect(history.read(7)).rejects.toThrow(/7 is damaged: it is of another revision/);
  });

  it("leaves nothing behind of a write that was killed, and touches no other file", async () => {
    await keep(await open(), "a");
    const half = [
      "history/2.0a1b2c3d4e5f.new",
      "read-rules.0a1b2c3d4e5f.new",
      "observed.json.5f4e3d2c1b0a.new",
    ];
    const others = ["history/notes.txt", "history/2.new", "read-rules", "rules.new"];
    for (const name of [...half, ...others]) writeFileSync(join(folder, name), "half");
    await open();
    const left = ["history/1", ...others];
    const found = readdirSync(folder, { recursive: true, encoding: "utf8" });
    expect(found.filter((name) => name !== "history").sort()).toEqual(left.sort());
    expect(damage).toEqual([]);
  });
});
