import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bitsFlag, rulesPerSide, serviceOtherFamily, sideFlag } from "../../../src/policy/layout.ts";

const header = readFileSync(new URL("../../../bpf/include/layout.h", import.meta.url), "utf8");

/** Enumerators whose names begin with `prefix`, in camel case without it. */
function readEnumerators(prefix: string): Record<string, number> {
  const found = [...header.matchAll(new RegExp(`^\\s*${prefix}_(\\w+) = (\\d+)\\b`, "gm"))];
  return Object.fromEntries(
    found.map(([, name = "", value]) => [
      name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      Number(value),
    ]),
  );
}

describe("the compiler's numbers", () => {
  it("are those of the kernel's header", () => {
    expect(sideFlag).toEqual(readEnumerators("SIDE"));
    expect(bitsFlag).toEqual(readEnumerators("BITS"));
    expect(header).toContain(`RULES_PER_SIDE = ${rulesPerSide},`);
    expect(header).toContain("SERVICE_OTHER_FAMILY = 1 << 24 ");
    expect(serviceOtherFamily).toBe(1 << 24);
  });
});
