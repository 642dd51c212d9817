import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SetDownFile } from "../../../src/agent/set-down-file.ts";

const devices = [
  { ifindex: 7, name: "tap1", mac: "02:00:00:00:01:01" },
  { ifindex: 9, name: "tap\u00e9 2", mac: "" },
];

let folder: string;
let path: string;
let damage: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ringwall-set-down-"));
  path = join(folder, "set-down.json");
  damage = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const open = () => new SetDownFile(folder, (message) => damage.push(message));

describe("the file of devices that were set down", () => {
  it("says to the next agent what the last one wrote, and is there only while there are any", () => {
    expect(open().read()).toEqual([]);
    open().write(devices.slice(0, 1));
    open().write(devices);
    expect(open().read()).toEqual(devices);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    open().write([]);
    expect(readdirSync(folder)).toEqual([]);
    open().write([]);
    expect(damage).toEqual([]);
  });

  it("says nothing after another start of the machine", () => {
    open().write(devices);
    const { boot } = JSON.parse(readFileSync(path, "utf8")) as { boot: string };
    writeFileSync(
      path,
      JSON.stringify({ boot: boot.replace(/^./, (one) => (one === "0" ? "1" : "0")), devices }),
    );
    expect(open().read()).toEqual([]);
    expect(damage).toEqual([]);
  });

  it("that is cut off anywhere, or something else, is said and counts for nothing", () => {
    open().write(devices);
    const whole = readFileSync(path, "utf8").trimEnd();
    const { boot } = JSON.parse(whole) as { boot: string };
    const others = [
      "null",
      "[]",
      `{"boot":"${boot}"}`,
      ...[{ ifindex: 0 }, { ifindex: 1.5 }, { ifindex: "7" }, { name: 7 }, { mac: null }].map((wrong) =>
        JSON.stringify({ boot, devices: [{ ...devices[0], ...wrong }] }),
      ),
      JSON.stringify({ boot, devices: { 7: devices[0] } }),
      "\0".repeat(4096),
    ];
    const wrong = [...others, ...Array.from(whole, (_, length) => whole.slice(0, length))];
    for (const text of wrong) {
      writeFileSync(path, text);
      expect(open().read(), text).toEqual([]);
    }
    expect(damage).toHaveLength(wrong.length);
    for (const message of damage) expect(message).toMatch(/set-down\.json (is damaged|cannot be read): /);
    // It is in nobody's way.
    open().write(devices);
    expect(open().read()).toEqual(devices);
  });

  it("that cannot be read or written is said, and nothing is left half", () => {
    mkdirSync(join(path, "inside"), { recursive: true });
    expect(open().read()).toEqual([]);
    expect(damage).toHaveLength(1);
    expect(() => open().write(devices)).toThrow(/EISDIR|ENOTEMPTY/);
    expect(() => open().write([])).toThrow();
    expect(readdirSync(folder)).toEqual(["set-down.json"]);
  });
});
