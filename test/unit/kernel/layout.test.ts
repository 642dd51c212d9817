import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  EventStruct,
  HashSeedsStruct,
  Hook,
  IdentityStruct,
  InterfaceStruct,
  Limit,
  OpeningEntryStruct,
  OpeningLimit,
  OpeningSetStruct,
  PolicyStruct,
  Reason,
  RuleNumber,
  SessionKeyStruct,
  SessionState,
  SessionStruct,
  SettingsStruct,
} from "../../../src/kernel/layout.gen.ts";
import { reasonName, reasonNames } from "../../../src/kernel/names.ts";
import { isAlive } from "../../../src/kernel/session-codec.ts";
import { defaultSettings, encodeSettings } from "../../../src/kernel/settings.ts";

const header = readFileSync(new URL("../../../bpf/include/layout.h", import.meta.url), "utf8");

/** sizeof and offsets as a C compiler sees them on this machine. */
function askCompiler(expressions: readonly string[]): number[] {
  const directory = mkdtempSync(join(tmpdir(), "ringwall-sizes-"));
  try {
    const include = fileURLToPath(new URL("../../../bpf/include", import.meta.url));
    const binary = join(directory, "sizes");
    const prints = expressions.map((expression) => `printf("%zu\\n", (size_t)(${expression}));`).join("");
    const source = `#include <stdio.h>\n#include <stddef.h>\n#include "layout.h"\nint main(void){${prints}}`;
    execFileSync("clang", ["-x", "c", `-I${include}`, "-o", binary, "-"], { input: source });
    return execFileSync(binary, { encoding: "utf8" }).trim().split("\n").map(Number);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

describe("the generated layout", () => {
  it("has the sizes and offsets of the C header", () => {
    const sizes = askCompiler([
      "sizeof(struct interface)",
      "sizeof(struct policy)",
      "sizeof(struct session)",
      "sizeof(struct session_key)",
      "sizeof(struct event)",
      "sizeof(struct identity)",
      "sizeof(struct settings)",
      "offsetof(struct session, seen)",
      "offsetof(struct session, state)",
      "offsetof(struct session, flags)",
      "sizeof(struct opening_set)",
      "offsetof(struct opening_set, ways)",
      "offsetof(struct opening_entry, session)",
      "sizeof(struct hash_seeds)",
    ]);
    expect(sizes).toEqual([
      InterfaceStruct.SIZE,
      PolicyStruct.SIZE,
      SessionStruct.SIZE,
      SessionKeyStruct.SIZE,
      EventStruct.SIZE,
      IdentityStruct.SIZE,
      SettingsStruct.SIZE,
      0,
      8,
      9,
      OpeningSetStruct.SIZE,
      OpeningSetStruct.SIZE - OpeningLimit.SET_WAYS * OpeningEntryStruct.SIZE,
      SessionKeyStruct.SIZE,
      HashSeedsStruct.SIZE,
    ]);
  });

  it("reads back what it writes: numbers, 64 bits, arrays, nested structs", () => {
    const side = {
      flags: 1,
      rules: 2,
      service: 3,
      serviceCells: 4,
      sourcePort: 5,
      sourcePortCells: 6,
      expires: 7,
      expiresCells: 8,
      accepts: 9,
      enforced: 10,
      enforcedWords: 0xffffffff,
    };
    const policy = {
      key: 0xfedcba9876543210n,
      content: [1n, 2n ** 64n - 1n],
      cells: 1,
      cellsCount: 2,
      words: 3,
      wordsCount: 4,
      sides: [side, { ...side, flags: 77 }],
    };
    expect(PolicyStruct.decode(PolicyStruct.encode(policy))).toEqual(policy);
    const settings = encodeSettings(defaultSettings, 250, -37);
    expect(SettingsStruct.decode(SettingsStruct.encode(settings))).toEqual(settings);
  });

  it("keeps ports as on the wire, and all else in the host's order", () => {
    const key = {
      local: new Uint8Array(16),
      remote: new Uint8Array(16),
      localPort: 0x0102,
      remotePort: 80,
      protocol: 6,
      kind: 0,
    };
    const bytes = SessionKeyStruct.encode(key);
    expect([...bytes.slice(32, 36)]).toEqual([1, 2, 0, 80]);
    expect([
      ...IdentityStruct.encode({ echo: 0x01020304, generation: 0, before: 0n, after: 0n, flags: 0 }).slice(
        0,
        4,
      ),
    ]).toEqual([4, 3, 2, 1]);
  });

  it("refuses bytes that are too few, and arrays of another length", () => {
    expect(() => SessionStruct.decode(new Uint8Array(SessionStruct.SIZE - 1))).toThrow(RangeError);
    const key = {
      local: new Uint8Array(4),
      remote: new Uint8Array(16),
      localPort: 0,
      remotePort: 0,
      protocol: 6,
      kind: 0,
    };
    expect(() => SessionKeyStruct.encode(key)).toThrow(/local: 4 bytes where 16 are wanted/);
  });

  it("has every enum's numbers, unsigned ones too", () => {
    expect(RuleNumber.RULE_NONE).toBe(0xffffffff);
    expect(Hook.HOOK_UPLINK).toBe(4);
    expect(Limit.DEVICES_NEAR).toBe(65536);
    const declared = [...header.matchAll(/^\s*(REASON_\w+) = (\d+)/gm)].filter(
      ([, name]) => name !== "REASONS_MAX",
    );
    expect(Object.entries(Reason)).toEqual(declared.map(([, name, number]) => [name, Number(number)]));
  });

  it("is written the same each time", () => {
    const directory = mkdtempSync(join(tmpdir(), "ringwall-layout-"));
    const script = fileURLToPath(new URL("../../../scripts/generate-layout.mjs", import.meta.url));
    const object = fileURLToPath(new URL("../../../build/ringwall.bpf.o", import.meta.url));
    try {
      const texts = ["a.ts", "b.ts"].map((name) => {
        execFileSync(process.execPath, [script, object, join(directory, name)]);
        return readFileSync(join(directory, name), "utf8");
      });
      expect(texts[0]).toBe(texts[1]);
      expect(texts[0]).toContain("export const SessionStruct");
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});

describe("words for numbers", () => {
  it("are the reasons of the header in lower case with dashes", () => {
    expect(reasonName(Reason.REASON_NO_RULE)).toBe("no-rule");
    expect(reasonName(Reason.REASON_NEIGHBOUR_DISCOVERY)).toBe("neighbour-discovery");
    expect(reasonName(31)).toBe("reason-31");
    expect(reasonNames[0]).toBe("rule");
    expect(new Set(reasonNames).size).toBe(Object.keys(Reason).length - 1);
  });
});

describe("a session's life", () => {
  it("ends when idle for its timeout, over the wrap of the kernel's clock", () => {
    const entry = SessionStruct.encode({
      seen: 2 ** 32 - 100,
      opened: 0,
      generation: 0,
      rule: 0,
      state: SessionState.STATE_ICMP,
      flags: 0,
      reason: 0,
      header: 0,
      cell: 0,
      icmp: 0,
      next: [0, 0],
      base: [0, 0],
      bytes: 0n,
      packets: 0,
      known: 0,
    });
    const view = new DataView(entry.buffer);
    const { timeouts } = encodeSettings(defaultSettings, 10, 0);
    const at = (now: number) => isAlive(view, 0, { now, hz: 10, timeouts });
    expect(at(2 ** 32 - 100)).toBe(true);
    expect(at(499)).toBe(true);
    expect(at(500)).toBe(false);
    // Seen by another CPU a moment in the future.
    expect(at(2 ** 32 - 101)).toBe(true);
  });
});
