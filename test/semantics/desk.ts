/** The program's commands on a rules file, for sentences that speak of them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { type Outcome, ringwall, writeFiles } from "../cli/program.ts";
import { modelOf, readRules, type Setting, writeRules } from "./setting.ts";

const moment = { family: 4, start: 1_800_000_000 } as const;

export class Desk {
  readonly folder: string;
  readonly file: string;

  /** Within a test: the folder goes with it. `others` are files that lie beside the rules. */
  constructor(setting: Setting, others: Readonly<Record<string, string>> = {}) {
    // A file that is refused would make every command fail for another reason.
    modelOf(setting, moment);
    this.folder = writeFiles({ "rules.yaml": writeRules(setting, moment), ...others });
    this.file = join(this.folder, "rules.yaml");
  }

  get text(): string {
    return readFileSync(this.file, "utf8");
  }

  /** The model that the file says now. */
  get model() {
    const { model, diagnostics } = readRules(this.text);
    if (model === null) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
    return model;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  run(...words: readonly string[]): Promise<Outcome> {
    return ringwall([...words, "--rules", this.file, "--host", "here"]);
  }

  /** What a command that has to succeed prints as JSON. */
  async done(...words: readonly string[]): Promise<unknown> {
    const { code, stdout, stderr } = await this.run(...words, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    return JSON.parse(stdout);
  }

  /** What a command that has to be refused says; the file keeps its bytes. */
  async refused(...words: readonly string[]): Promise<string> {
    const before = this.text;
    const { code, stderr } = await this.run(...words);
    expect(code).toBe(1);
    expect(this.text).toBe(before);
    return stderr;
  }
}
