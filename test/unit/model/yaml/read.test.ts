import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Diagnostics, formatDiagnostic } from "../../../../src/model/diagnostic.ts";
import { defaultLimits } from "../../../../src/model/model.ts";
import { parseModel } from "../../../../src/model/parse.ts";
import { composeYaml } from "../../../../src/model/yaml/compose.ts";
import { decodeFile } from "../../../../src/model/yaml/decode.ts";
import type { YamlNode } from "../../../../src/model/yaml/node.ts";
import { cutPieces, wholeTextMax } from "../../../../src/model/yaml/pieces.ts";
import { readYaml, wholeAgainMax } from "../../../../src/model/yaml/read.ts";
import { depthMax } from "../../../../src/model/yaml/scan.ts";
import { Source } from "../../../../src/model/yaml/source.ts";
import { seed } from "../../../support/seed.ts";

function read(text: string): { node: YamlNode | undefined; found: string[] } {
  const source = new Source({ path: "a.yaml", text });
  const diagnostics = new Diagnostics();
  const steps = readYaml(source, diagnostics);
  let step = steps.next();
  while (!step.done) step = steps.next();
  return { node: step.value, found: diagnostics.sorted([]).map(formatDiagnostic) };
}

function readWhole(text: string): { node: YamlNode | undefined; found: string[] } {
  const diagnostics = new Diagnostics();
  const { node } = composeYaml(new Source({ path: "a.yaml", text }), diagnostics);
  const found = diagnostics.sorted([]).map(formatDiagnostic);
  return { node: found.length > 0 ? undefined : node, found };
}

/** Text without places: pieces know where a map's entries are, not where the map itself begins. */
function strip(node: YamlNode | undefined): unknown {
  switch (node?.kind) {
    case undefined:
      return undefined;
    case "scalar":
      return [node.at, node.value, node.text, node.plain];
    case "list":
      return node.items.map(strip);
    case "map":
      return node.entries.map(({ key, keyAt, value }) => [key, keyAt, strip(value)]);
    default:
      return node satisfies never;
  }
}

/** Enough of something to make a text one that is cut. */
const filler = (indent: string) =>
  `${indent}# ${"filler ".repeat(20)}\n`.repeat(Math.ceil(wholeTextMax / 100));

describe("large files are parsed in pieces", () => {
  const entry = fc.constantFrom(
    "KEY: {a: 1, b: [x, y]}\n",
    "KEY:\n    a: 1\n    b: text over\n      two lines\n",
    "KEY:\n    - a\n    - {b: c}\n",
    "KEY:\n  - a\n  - b\n",
    "KEY: |\n    block: no key\n   \n    more\n",
    'KEY: "quoted\n    over: lines"\n',
    "KEY: {a: 1,\n    b: 2}\n",
    "KEY: {a: 1,\n  b: 2\n  }\n",
    "KEY: plain\n    more: not a key\n",
    "KEY: plain\n    more\n",
    "# comment\n",
    "\n",
    "KEY:\n",
    "'KEY': 1\n",
    "? KEY\n  : 1\n",
    "FIXED: 1\n",
  );
  const section = fc.record({
    name: fc.constantFrom(
      "groups:\n",
      "networks: # comment\n",
      "tags: {a: b}\n",
      "instances:\n\n",
      "more:\r\n",
      "x: [1,\n",
    ),
    entries: fc.array(entry, { maxLength: 8 }),
    fill: fc.boolean(),
    indent: fc.constantFrom("  ", "   "),
  });
  const start = fc.constantFrom("version: 1\n", "---\nversion: 1\n", "# c\n", "version: 1\n\n", "");

  it("to what they are as a whole, or to faults; the same ones where the text is not very large", () => {
    let cut = 0;
    let legal = 0;
    fc.assert(
      fc.property(start, fc.array(section, { minLength: 1, maxLength: 3 }), (head, sections) => {
        let key = 0;
        const body = sections.map(({ name, entries, fill, indent }, index) => {
          const lines = entries.map((text) => `${indent}${text.replace("KEY", () => `k${++key}`)}`);
          const rest = fill ? filler(indent) : "";
          return `${index > 0 && name === "tags: {a: b}\n" ? name.replace("tags", `tags${index}`) : name}${lines.join(rest)}`;
        });
        const text = `${head}${body.join("")}${filler("")}`;
        const whole = readWhole(text);
        const found = read(text);
        // Of a large text the pieces' own faults have to do.
        if (text.length <= wholeAgainMax) expect(found.found).toEqual(whole.found);
        expect(found.found.length > 0).toBe(whole.found.length > 0);
        expect(strip(found.node)).toEqual(strip(whole.node));
        if (cutPieces(text) !== null) cut += 1;
        if (whole.node !== undefined) legal += 1;
      }),
      { seed, numRuns: 60 },
    );
    expect(cut).toBeGreaterThan(5);
    expect(legal).toBeGreaterThan(3);
  });

  it.each([
    "version: 1\ngroups:\n  a: {}\nnetworks:\n",
    "groups:\nnetworks:\n  a: {}\n",
    "groups:\n  a: {}\nversion: 1\n",
    "groups:\n  # nothing\n",
  ])("%j, where a section is empty", (text) => {
    const long = `${text}${filler("")}`;
    expect(strip(read(long).node)).toEqual(strip(readWhole(long).node));
  });

  it("a key that stands twice is named with both places, wherever pieces end", () => {
    const entries = Array.from({ length: 4000 }, (_, index) => `  k${index}: {a: "${"x".repeat(100)}"}\n`);
    const text = `groups:\n${entries.join("")}  k7: {}\n`;
    expect(cutPieces(text)?.length).toBeGreaterThan(5);
    expect(read(text).found).toEqual([
      "a.yaml:4002:3: the key `k7` stands twice in one map: leave one out; the first one is at a.yaml:9:3",
    ]);
  });
});

describe("what is refused before the parse", () => {
  it("is what is nested deeper than the bound, and nothing less deep", () => {
    const flow = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
    expect(read(flow(depthMax - 1)).found).toEqual([]);
    expect(read(flow(depthMax + 1)).found[0]).toContain("nested more than");
    const block = (depth: number) =>
      Array.from({ length: depth }, (_, level) => `${" ".repeat(level)}k:\n`).join("");
    expect(read(block(depthMax + 1)).found).toHaveLength(1);
    expect(read(block(depthMax)).found).toEqual([]);
    expect(read(`${block(8)}${" ".repeat(9)}x: 1\n`).found).toEqual([]);
  });

  it("is a control character, in a comment too", () => {
    expect(read("a: 1 # \u0007\n").found).toEqual(["a.yaml:1:8: the control character U+0007: leave it out"]);
    expect(read('a: "\\u0007"\n').found).toEqual([]);
  });
});

describe("bytes that are no UTF-8", () => {
  it.each([
    [Buffer.from([0x61, 0x3a, 0x20, 0xff]), "a.yaml:1:4"],
    [Buffer.from([0x61, 0x0a, 0xc3, 0xa4, 0xc3, 0x0a]), "a.yaml:2:2"],
    [Buffer.from([0x0a, 0x0a, 0xe2, 0x82]), "a.yaml:3:1"],
    [Buffer.from([0xc0, 0x80]), "a.yaml:1:1"],
    [Buffer.from([0xef, 0xbf, 0xbd, 0x61, 0xff]), "a.yaml:1:3"],
    [Buffer.from([0x61, 0xed, 0xa0, 0x80]), "a.yaml:1:2"],
  ])("%j: %s", (bytes, where) => {
    const decoded = decodeFile("a.yaml", bytes);
    expect(decoded.ok ? "" : formatDiagnostic(decoded.diagnostic)).toMatch(
      new RegExp(`^${where}: here is no UTF-8`),
    );
  });
});

describe("any text at all", () => {
  const words = [
    "version: 1",
    "groups:",
    "sg-t:",
    "{",
    "}",
    "[",
    "]",
    "- ",
    ": ",
    "\n",
    "  ",
    "&a ",
    "*a ",
    "<<: ",
    "|",
    ">",
    '"',
    "'",
    "#",
    "!!str ",
    "---",
    "...",
    "%YAML 1.1",
    "? ",
    ",",
    "\t",
    "\r",
    "é",
    "\u0000",
    "rules",
    "remote: ::/0",
    "__proto__",
    "instances:",
    "interfaces:",
    "-1/-1",
    "~",
    "null",
  ];
  const soup = fc.array(fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 4 })), { maxLength: 60 });

  it("is a model, or has an error with a place in it; nothing is thrown", () => {
    let refused = 0;
    fc.assert(
      fc.property(soup, (parts) => {
        const text = parts.join("");
        const { model, diagnostics } = parseModel([{ path: "a.yaml", text }], { limits: defaultLimits });
        const errors = diagnostics.filter(({ severity }) => severity === "error");
        expect(model === null).toBe(errors.length > 0);
        const lines = text.split("\n").length;
        for (const { place, message } of diagnostics) {
          expect(place?.line).toBeGreaterThanOrEqual(1);
          expect(place?.line).toBeLessThanOrEqual(lines);
          expect(message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
        }
        if (errors.length > 0) refused += 1;
      }),
      { seed, numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });
});
