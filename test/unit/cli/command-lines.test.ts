/** Random command lines at a desk: whatever stands in them, what commands promise of every change and answer holds. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { parse } from "yaml";
import { CliError, ExitCode } from "../../../src/cli/exit.ts";
import { runProgram } from "../../../src/cli/program.ts";
import { readRules } from "../../../src/cli/rules.ts";
import { seed } from "../../support/seed.ts";
import { addingLine, askingLine, changingLine, messyRules } from "./line-arbitrary.ts";

const folder = mkdtempSync(join(tmpdir(), "ringwall-lines-"));
const file = join(folder, "rules.yaml");
const desk = ["--rules", file, "--host", "here"];
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly said: string;
}

/** Runs a line in this process. What is no refusal is thrown on: no line may bring that about. */
async function run(...words: readonly string[]): Promise<Outcome> {
  let out = "";
  const write = process.stdout.write;
  process.stdout.write = ((text: string) => {
    out += text;
    return true;
  }) as typeof process.stdout.write;
  try {
    return { code: await runProgram(words), out, said: "" };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { code: error.exitCode, out, said: error.message };
  } finally {
    process.stdout.write = write;
  }
}

const text = () => readFileSync(file, "utf8");

/** What the file means: without places, and without ids that were made. */
function meaning(): string {
  const { model, diagnostics } = readRules([file], { host: "here" });
  expect(model, diagnostics.map(({ message }) => message).join("\n")).not.toBeNull();
  return JSON.stringify(model, (key, value: unknown) => {
    if (key === "place" || (key === "id" && /^r-[0-9a-f]{6}$/.test(String(value)))) return undefined;
    if (typeof value === "bigint") return String(value);
    return value instanceof Map ? [...value] : value;
  });
}

function expectKind({ code, out, said }: Outcome): void {
  expect([ExitCode.done, ExitCode.refused, ExitCode.usage]).toContain(code);
  expect(out + said).not.toMatch(/undefined|\[object|NaN|\n\s+at /);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be there
  expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  if (code !== ExitCode.done) expect(out + said).not.toBe("");
}

/** Dry first, then for good: both say the same, and a refusal leaves every byte. */
async function change(line: readonly string[]): Promise<boolean> {
  const before = text();
  const dry = await run(...line, ...desk, "--dry-run", "--json");
  expect(text()).toBe(before);
  const shown = await run(...line, ...desk, "--dry-run");
  expect(text()).toBe(before);
  const done = await run(...line, ...desk, "--json");
  for (const outcome of [dry, shown, done]) expectKind(outcome);
  expect([dry.code, shown.code]).toEqual([done.code, done.code]);
  if (done.code !== ExitCode.done) {
    expect([done.out, text()]).toEqual(["", before]);
    return false;
  }
  const record = JSON.parse(done.out) as { changed: boolean };
  expect(record.changed).toBe(text() !== before);
  expect((JSON.parse(dry.out) as { changed: boolean }).changed).toBe(record.changed);
  meaning();
  return true;
}

/** A rule that was added is there, and gone again nothing is left of it. */
async function addTwiceAndRemove(line: readonly string[], before: string): Promise<void> {
  const again = JSON.parse((await run(...line, ...desk, "--json")).out) as {
    changed: boolean;
    rule: { id?: string };
  };
  expect(again.changed).toBe(false);
  if (meaning() === before || again.rule.id === undefined) return;
  expect((await run("rule", "remove", line[2] ?? "", again.rule.id, ...desk)).code).toBe(ExitCode.done);
  expect(meaning()).toBe(before);
}

it(`change what they say they change, or nothing (seed ${seed})`, async () => {
  const tally = { done: 0, refused: 0, added: 0 };
  const forms = [
    messyRules,
    messyRules.replaceAll("\n", "\r\n"),
    `\uFEFF${messyRules}`,
    messyRules.trimEnd(),
  ];
  const life = fc.record({
    form: fc.constantFrom(...forms),
    added: addingLine,
    others: fc.array(changingLine, { maxLength: 3, size: "max" }),
  });
  for (const { form, added, others } of fc.sample(life, { seed, numRuns: 20 })) {
    writeFileSync(file, form);
    for (const line of [...others, added]) {
      const before = meaning();
      const isDone = await change(line);
      tally[isDone ? "done" : "refused"] += 1;
      if (!isDone || line[0] !== "rule" || line[1] !== "add") continue;
      await addTwiceAndRemove(line, before);
      tally.added += 1;
    }
  }
  console.log(`command lines: ${JSON.stringify(tally)}`);
  expect(Math.min(...Object.values(tally))).toBeGreaterThan(5);
});

it(`print one object in every format, and change nothing (seed ${seed})`, async () => {
  writeFileSync(file, messyRules);
  let compared = 0;
  for (const line of fc.sample(askingLine, { seed, numRuns: 30 })) {
    const table = await run(...line, ...desk);
    const json = await run(...line, ...desk, "--json");
    const yaml = await run(...line, ...desk, "-o", "yaml");
    for (const outcome of [table, json, yaml]) expectKind(outcome);
    expect([table.code, yaml.code]).toEqual([json.code, json.code]);
    if (json.out === "") continue;
    expect(parse(yaml.out, { maxAliasCount: -1 })).toEqual(JSON.parse(json.out));
    compared += 1;
  }
  expect(text()).toBe(messyRules);
  expect(compared).toBeGreaterThan(5);
});
