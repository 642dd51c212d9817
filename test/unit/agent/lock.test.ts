import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { acquireLock } from "../../../src/agent/lock.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-lock-"));
  path = join(folder, "run", "agent.lock");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the lock of a host's agent", () => {
  it("is held by one, who is named to the next", () => {
    const lock = acquireLock(path);
    expect(readFileSync(path, "utf8")).toBe(`${process.pid}\n`);
    expect(() => acquireLock(path)).toThrow(new RegExp(`pid ${process.pid}`));
    lock.release();
    acquireLock(path).release();
  });

  it("stays a file when it is released, so that no two agents lock two files of one name", () => {
    acquireLock(path).release();
    expect(existsSync(path)).toBe(true);
  });

  it("is taken on a disk that is full, too: the next one is not told which agent has it", () => {
    expect(spawnSync("mount", ["-t", "tmpfs", "-o", "size=4k", "tmpfs", folder]).status).toBe(0);
    try {
      writeFileSync(join(folder, "filler"), "x".repeat(4096));
      const lock = acquireLock(path);
      expect(readFileSync(path, "utf8")).toBe("");
      expect(() => acquireLock(path)).toThrow(/^Another agent holds/);
      lock.release();
    } finally {
      spawnSync("umount", [folder]);
    }
  });

  it("follows no link and waits for no FIFO", () => {
    acquireLock(path).release();
    const target = join(folder, "target");
    writeFileSync(target, "mine");
    symlinkSync(target, join(folder, "link"));
    expect(() => acquireLock(join(folder, "link"))).toThrow(/symbolic link/);
    expect(readFileSync(target, "utf8")).toBe("mine");
    spawnSync("mkfifo", [join(folder, "fifo")]);
    expect(() => acquireLock(join(folder, "fifo"))).toThrow(/no plain file/);
    expect(() => acquireLock(folder)).toThrow(/EISDIR/);
    expect(() => acquireLock(join(target, "lock"))).toThrow(
      /folder .*target cannot be made \(EEXIST\): run as root, or name another place with --lock/,
    );
  });
});
