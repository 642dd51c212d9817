import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  type Diagnostic,
  Diagnostics,
  diagnosticCodes,
  diagnosticsShown,
  formatDiagnostic,
  renderDiagnostic,
  TooManyErrors,
} from "../../../src/model/diagnostic.ts";

const place = { file: "a.yaml", line: 2, column: 5 };
const wrong: Diagnostic = {
  code: "bad-ports",
  severity: "error",
  place,
  message: "`80` is no range of ports: write `80/80`",
  write: "80/80",
  related: [],
};

describe("diagnostics", () => {
  it("docs/diagnostics.md has each code with its severity and meaning, and no other", () => {
    const docs = readFileSync("docs/diagnostics.md", "utf8");
    const rows = [...docs.matchAll(/^\| `([a-z0-9-]+)` \| (\w+) \| (.+?) \| (.+) \|$/gm)];
    const documented = rows.map(([, code, severity, meaning]) => [code, { severity, meaning }]);
    expect(documented).toEqual(Object.entries(diagnosticCodes));
  });

  it("each code is used by some source file", () => {
    const sources = ["src/model", "src/store", "src/agent"].flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
    );
    const others = sources.filter((file) => file.endsWith(".ts") && !file.endsWith("/diagnostic.ts"));
    const table = readFileSync("src/model/diagnostic.ts", "utf8");
    const text =
      others.map((file) => readFileSync(file, "utf8")).join("") + table.split("satisfies Readonly")[1];
    expect(Object.keys(diagnosticCodes).filter((code) => !text.includes(`"${code}"`))).toEqual([]);
  });

  it("is one line, with the other places behind", () => {
    expect(formatDiagnostic(wrong)).toBe("a.yaml:2:5: `80` is no range of ports: write `80/80`");
    const related = [{ place: { file: "b.yaml", line: 1, column: 1 }, message: "the first one is" }];
    expect(formatDiagnostic({ ...wrong, severity: "note", related })).toBe(
      "a.yaml:2:5: note: `80` is no range of ports: write `80/80`; the first one is at b.yaml:1:1",
    );
    expect(formatDiagnostic({ ...wrong, place: { file: "a.yaml", line: 0, column: 0 } })).toMatch(
      /^a\.yaml: `80`/,
    );
  });

  it("shows the source line with a caret under the place", () => {
    expect(
      renderDiagnostic(wrong, () => "one\nfoo bar\r\n")
        .split("\n")
        .slice(1),
    ).toEqual(["  2 | foo bar", "    |     ^"]);
  });

  it("shows a window of a long line, control characters made harmless", () => {
    const line = `${"x".repeat(300)}\u001b${"y".repeat(300)}`;
    const shown = renderDiagnostic({ ...wrong, place: { ...place, column: 301 } }, () => `\n${line}`).split(
      "\n",
    );
    const caret = (shown[2] ?? "").indexOf("^");
    expect(shown[1]?.length).toBeLessThan(120);
    expect(shown[1]?.[caret]).toBe("\u00b7");
  });

  it("are sorted by file, line and column, and end where nobody reads on", () => {
    const list = new Diagnostics();
    list.add("tab", { file: "b", line: 1, column: 1 }, "late");
    list.add("tab", { file: "a", line: 2, column: 1 }, "second");
    list.add("tab", { file: "a", line: 1, column: 9 }, "first");
    expect(list.sorted(["a", "b"]).map(({ message }) => message)).toEqual(["first", "second", "late"]);
    for (let count = list.errorCount; count < diagnosticsShown; count += 1) list.add("tab", place, "again");
    expect(() => list.add("tab", place, "one too many")).toThrow(TooManyErrors);
    const all = list.sorted(["a", "b"]);
    expect(all).toHaveLength(diagnosticsShown + 1);
    expect(all.at(-1)).toMatchObject({ code: "too-many", message: expect.stringContaining("more errors") });
  });
});
