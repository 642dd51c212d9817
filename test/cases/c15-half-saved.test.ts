/** C15, at the store: saved by an editor, and half saved. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { defaultLimits } from "../../src/model/model.ts";
import { FileStore } from "../../src/store/file.ts";
import { restAfterWrite } from "../../src/store/settle.ts";
import { readSnapshot, type StoreSnapshot, type Watching } from "../../src/store/store.ts";
import { turns } from "../support/turns.mjs";

const head =
  "version: 1\nnetworks:\n  vpc-a: {type: vpc}\ngroups:\n  sg-t:\n    type: basic\n    network: vpc-a\n    rules:\n";
const rule = (port: number, policy = "accept") =>
  `      - {direction: ingress, policy: ${policy}, protocol: tcp, portRange: ${port}/${port}, remote: 0.0.0.0/0}\n`;
const one = head + rule(80);
const two = head + rule(443);

let root: string;
let folder: string;
let file: string;
let store: FileStore;
let seen: StoreSnapshot[];
let end: AbortController;
let watching: Watching | null;

function begin(): void {
  root = mkdtempSync(join(tmpdir(), "ringwall-c15-"));
  folder = join(root, "rules.d");
  mkdirSync(folder);
  file = join(folder, "a.yaml");
  writeFileSync(file, one);
  store = new FileStore(folder, { recovers: true });
  seen = [];
  end = new AbortController();
  watching = null;
}
beforeEach(begin);

async function finish(): Promise<void> {
  end.abort();
  await watching?.ended;
  rmSync(root, { recursive: true, force: true });
}
afterEach(finish);

async function follow(): Promise<void> {
  await store.load();
  watching = await store.watch((snapshot) => {
    seen.push(snapshot);
  }, end.signal);
}

/** The snapshots that come within some milliseconds from now. */
async function collect(milliseconds: number): Promise<StoreSnapshot[]> {
  const from = seen.length;
  await turns(milliseconds);
  return seen.slice(from);
}

/** The next snapshot, however late; how late is said, since a machine that is not busy has it within a second. */
async function awaitNext(): Promise<StoreSnapshot | undefined> {
  const [from, since] = [seen.length, performance.now()];
  await expect.poll(() => seen.length, { interval: 5 }).toBeGreaterThan(from);
  console.log(`C15: read after ${(performance.now() - since).toFixed(0)} ms`);
  return seen[from];
}

/**
 * Writes the first half, and the second one after a pause in which no process has the file open, in place. False where
 * this machine made the pause as long as the rest after which a file counts as whole.
 */
async function writeInHalves(first: string, second: string): Promise<boolean> {
  const since = performance.now();
  writeFileSync(file, first);
  await sleep(0.6 * restAfterWrite);
  appendFileSync(file, second);
  return performance.now() - since < restAfterWrite;
}

const texts = (snapshot: StoreSnapshot | undefined) => snapshot?.files.map(({ text }) => text);

async function errorsOf(snapshot: StoreSnapshot | undefined): Promise<string[]> {
  if (snapshot === undefined) return ["no snapshot came"];
  const { model, diagnostics } = await readSnapshot(snapshot, { limits: defaultLimits });
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);
  expect(model === null).toBe(errors.length > 0);
  return errors;
}

function replace(text: string): void {
  const fresh = join(folder, ".a.yaml.tmp");
  writeFileSync(fresh, text);
  renameSync(fresh, file);
}

describe("C15 saved by an editor, and half saved", () => {
  it("(1) a file replaced by rename is read, each time", async () => {
    await follow();
    for (const text of [two, one, two]) {
      replace(text);
      expect(texts(await awaitNext())).toEqual([text]);
    }
  });

  it("(2) of a file written in place the first half alone is never in force", async () => {
    const [first, second] = [head + rule(81), rule(22, "drop")];
    await follow();
    for (let attempt = 1; !(await writeInHalves(first, second)); attempt++) {
      if (attempt === 50)
        throw new Error("this machine makes every pause longer than the rest of a whole file");
      await finish();
      begin();
      await follow();
    }
    expect(texts(await awaitNext())).toEqual([first + second]);
    expect(await collect(700)).toEqual([]);
    expect(seen).toHaveLength(1);
  });

  it("(2) while a writer holds the file open a pause of any length gives no half", async () => {
    await follow();
    const script = `exec 3> '${file}'; printf '%s' "$FIRST" >&3; sleep 1.2; printf '%s' "$SECOND" >&3`;
    const env = { ...process.env, FIRST: two, SECOND: rule(22, "drop") };
    const writer = spawn("sh", ["-c", script], { env, stdio: "ignore" });
    await once(writer, "exit");
    expect(seen).toEqual([]);
    expect(texts(await awaitNext())).toEqual([two + env.SECOND]);
    expect(await collect(700)).toEqual([]);
  });

  it("(3) a file truncated to nothing is refused for want of its version", async () => {
    await follow();
    truncateSync(file, 0);
    expect(await errorsOf(await awaitNext())).toEqual(["bad-version"]);
  });

  it("(4) a link switched to another directory is read, each time", async () => {
    for (const [name, text] of [
      ["v1", one],
      ["v2", two],
    ] as const) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, "a.yaml"), text);
    }
    const link = join(root, "current");
    const switchTo = (target: string) => {
      symlinkSync(target, `${link}.tmp`);
      renameSync(`${link}.tmp`, link);
    };
    switchTo("v1");
    store = new FileStore(link);
    await follow();
    for (const [target, text] of [
      ["v2", two],
      ["v1", one],
      ["v2", two],
    ] as const) {
      switchTo(target);
      expect(texts(await awaitNext())).toEqual([text]);
    }
  });

  it("(4) files that are links through one link, as Kubernetes lays them, are switched together", async () => {
    const mount = join(root, "mount");
    mkdirSync(mount);
    for (const [name, text] of [
      ["..v1", one],
      ["..v2", two],
    ] as const) {
      mkdirSync(join(mount, name));
      writeFileSync(join(mount, name, "a.yaml"), text);
    }
    symlinkSync("..v1", join(mount, "..data"));
    symlinkSync("..data/a.yaml", join(mount, "a.yaml"));
    store = new FileStore(mount);
    await follow();
    symlinkSync("..v2", join(mount, "..data_tmp"));
    renameSync(join(mount, "..data_tmp"), join(mount, "..data"));
    expect(texts(await awaitNext())).toEqual([two]);
  });

  it("(5) what editors leave beside the file is nothing", async () => {
    await follow();
    for (const name of ["a.yaml~", ".a.yaml.swp", "4913", ".#a.yaml", "#a.yaml#"]) {
      writeFileSync(join(folder, name), two);
    }
    expect(await collect(1000)).toEqual([]);
    replace(two);
    expect(texts(await awaitNext())).toEqual([two]);
  });

  it("(6) a directory in the file's place is refused, and named", async () => {
    await follow();
    rmSync(file);
    mkdirSync(file);
    const snapshot = await awaitNext();
    expect(await errorsOf(snapshot)).toEqual(["file-unreadable"]);
    expect(snapshot?.diagnostics[0]?.message).toContain("it is a directory");
  });

  it("a directory of rules that is gone is refused; back again, it is read", async () => {
    await follow();
    renameSync(folder, `${folder}.away`);
    expect(await errorsOf(await awaitNext())).toEqual(["file-unreadable"]);
    renameSync(`${folder}.away`, folder);
    replace(two);
    expect(texts(await awaitNext())).toEqual([two]);
  });
});
