/** 20 MB of legal rules, read in a thread of their own. */
import { describe, expect, it } from "vitest";
import { defaultLimits } from "../../src/model/model.ts";
import { parseModelApart } from "../../src/model/parse-apart.ts";
import { guestRules } from "../cli/host.ts";
import { largeRules } from "./large-rules.ts";

const text = largeRules();

describe("a rule set that takes more memory than there may be", () => {
  it("is refused, and nothing else ends", async () => {
    const result = await parseModelApart(
      [{ path: "large.yaml", text }],
      { limits: defaultLimits, host: "h" },
      { heapMax: 64 },
    );
    expect(result.model).toBeNull();
    expect(result.diagnostics).toMatchObject([
      { code: "file-too-large", message: expect.stringContaining("64 MiB") },
    ]);
  });

  it("ends at once when nobody waits for it any more", async () => {
    const abort = new AbortController();
    const reading = parseModelApart(
      [{ path: "large.yaml", text }],
      { limits: defaultLimits, host: "h" },
      { signal: abort.signal, onProgress: () => abort.abort(new Error("enough")) },
    );
    await expect(reading).rejects.toThrow("enough");
  });
});

it("says the same in a thread of its own as on the loop", async () => {
  const files = [
    { path: "a.yaml", text: guestRules },
    { path: "b.yaml", text: largeRules().replace(/sg-large-7:/, "sg-large-8:") },
  ];
  const whole = await parseModelApart(files, { limits: defaultLimits, host: "h" });
  expect(whole.model).toBeNull();
  expect(whole.diagnostics).toMatchObject([{ code: "duplicate-key" }]);
});
