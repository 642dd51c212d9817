/** docs/rules.md is run: its examples are parsed, its packets are judged, its refusals are refused. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { formatDiagnostic } from "../../src/model/diagnostic.ts";
import { defaultLimits } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { type Explanation, explain } from "../../src/policy/explain.ts";
import type { PacketQuestion } from "../../src/policy/question.ts";

const page = readFileSync(new URL("../../docs/rules.md", import.meta.url), "utf8");

interface Row {
  readonly packet: string;
  readonly verdict: string;
}

interface Example {
  readonly title: string;
  readonly kind: string;
  readonly yaml: string;
  readonly rows: readonly Row[];
  /** What a refusal says. */
  readonly messages: readonly string[];
}

/** Each YAML block with what stands between it and the next block or heading. */
function readExamples(): Example[] {
  return page.split(/^## /m).flatMap((chapter) => {
    const title = chapter.slice(0, chapter.indexOf("\n"));
    const blocks = [...chapter.matchAll(/^```yaml ?(\w*)\n(.*?)^```\n(.*?)(?=^```|(?![\s\S]))/gms)];
    return blocks.map(([, kind = "", yaml = "", after = ""]) => ({
      title,
      kind,
      yaml,
      rows: [...after.matchAll(/^\| `(--[^`]+)` \| ([^|]+) \|/gm)].map(([, packet = "", verdict = ""]) => ({
        packet,
        verdict,
      })),
      messages: [...after.matchAll(/^> (.+)$/gm)].map(([, message = ""]) => message),
    }));
  });
}

const examples = readExamples();
const bed = examples.find(({ kind }) => kind === "bed")?.yaml ?? "";

function parse({ yaml }: Example) {
  const files = [
    { path: "bed.yaml", text: bed },
    { path: "example.yaml", text: yaml },
  ];
  return parseModel(files, { limits: defaultLimits, host: "kvm-1" });
}

/** The options of `ringwall explain` as the page writes them. */
function readPacket(text: string): PacketQuestion {
  const words = text.split(" ");
  const options = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) options.set(words[at] ?? "", words[at + 1] ?? "");
  const take = (name: string) => {
    const value = options.get(name);
    options.delete(name);
    return value;
  };
  const number = (name: string) => {
    const value = take(name);
    return value === undefined ? undefined : Number(value);
  };
  const question = {
    from: take("--from") ?? "",
    to: take("--to") ?? "",
    network: take("--network"),
    protocol: take("--protocol") ?? "",
    port: number("--port"),
    sourcePort: number("--source-port"),
    icmpType: number("--icmp-type"),
    icmpCode: number("--icmp-code"),
  };
  expect([...options.keys()], `options that explain does not have in ${text}`).toEqual([]);
  return question;
}

/** The side that drops; otherwise the receiving one, or the only one. */
function sayVerdict({ verdict, sides }: Explanation): string {
  const side = sides.find((one) => one.verdict === "drop") ?? sides.at(-1);
  return `${verdict} \`${side?.reason ?? ""}\``;
}

describe("docs/rules.md", () => {
  it("has examples for the tests below", () => {
    expect(bed).not.toBe("");
    expect(examples.filter(({ rows }) => rows.length > 0).length).toBeGreaterThanOrEqual(15);
    expect(examples.filter(({ kind }) => kind === "refused").length).toBeGreaterThanOrEqual(2);
    const table = [...page.matchAll(/^\| `--/gm)].length;
    expect(examples.reduce((sum, { rows }) => sum + rows.length, 0)).toBe(table);
  });

  it.each(examples.filter(({ kind }) => kind === ""))("$title: packets get what stands there", (example) => {
    const { model, diagnostics } = parse(example);
    expect(diagnostics.map(formatDiagnostic)).toEqual([]);
    if (model === null) throw new Error("refused without a diagnostic");
    expect(example.rows.length).toBeGreaterThan(0);
    const said = example.rows.map(({ packet }) => ({
      packet,
      verdict: sayVerdict(explain(model, readPacket(packet), { now: Date.now() / 1000 })),
    }));
    expect(said).toEqual(example.rows);
  });

  it.each(examples.filter(({ kind }) => kind === "refused"))("$title: is refused as shown", (example) => {
    const { diagnostics } = parse(example);
    const errors = diagnostics.filter(({ severity }) => severity === "error").map(formatDiagnostic);
    expect(errors).not.toEqual([]);
    expect(example.messages.length).toBeGreaterThan(0);
    for (const message of example.messages) expect(errors.join("\n")).toContain(message);
  });
});
