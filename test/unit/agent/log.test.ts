import { describe, expect, it } from "vitest";
import { createLog } from "../../../src/agent/log.ts";
import { cleanText } from "../../../src/model/printable.ts";

const hostile = 'tap0\u001b[2J\u009b31m\u202e\n{"level":"info","msg":"forged"}';

function collect(format: "auto" | "text" | "json", isTTY = false) {
  const lines: string[] = [];
  const log = createLog({ level: "info", format }, { isTTY, write: (text: string) => lines.push(text) });
  return { lines, log };
}

describe("the agent's log", () => {
  it("is JSON lines where no terminal reads it", () => {
    const { lines, log } = collect("auto");
    log.info({ device: "tap0" }, "attached");
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "info", msg: "attached", device: "tap0" });
  });

  it("is text on a terminal", () => {
    const { lines, log } = collect("auto", true);
    log.warn({ device: "tap0", interfaces: 3 }, "device is gone");
    expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}device is gone device=tap0 interfaces=3\n$/);
  });

  it.each(["text", "json"] as const)("lets no control character of a name through as %s", (format) => {
    const { lines, log } = collect(format);
    log.info({ device: hostile, list: [hostile] }, hostile);
    log.error({ err: new Error(hostile) }, "failed");
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line.trimEnd()).toBe(cleanText(line.trimEnd()));
      expect(line.endsWith("\n")).toBe(true);
    }
  });

  it("gives a name back whole to who parses the JSON", () => {
    const { lines, log } = collect("json");
    log.info({ device: hostile }, "attached");
    expect((JSON.parse(lines[0] ?? "") as { device: string }).device).toBe(hostile);
  });

  it("leaves out what is below its level", () => {
    const { lines, log } = collect("json");
    log.debug("not shown");
    expect(lines).toEqual([]);
  });
});
