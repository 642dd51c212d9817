/** Reads a sequence script. What is wrong is said as `file:line: what, and what to write instead`, all at once. */
import { defaultSettings } from "../../src/kernel/settings.ts";
import type { Family } from "../../src/model/model.ts";
import { writeRule } from "../semantics/setting.ts";
import { parsePacket } from "./parse-packet.ts";
import {
  type PacketSpec,
  type Script,
  type ScriptSetting,
  type ScriptSettings,
  type ScriptStep,
  type StateName,
  senders,
  stateNames,
} from "./script.ts";
import { type Words, wordsOf } from "./words.ts";

/** Parts of a second that times are counted in: binary, so that sums and differences are exact. */
const perSecond = 8;

export const emptySetting: ScriptSetting = { rules: [], defaultEgress: "accept", innerAccess: "accept" };
export const emptySettings: ScriptSettings = {
  midstream: defaultSettings.midstream,
  establishedSessions: defaultSettings.establishedSessions,
  timeouts: defaultSettings.timeouts,
};

class Reader {
  readonly #file: string;
  readonly #asks: string[] = [];
  readonly #departs: string[] = [];
  readonly #steps: ScriptStep[] = [];
  readonly #labels = new Map<string, PacketSpec>();
  readonly #problems: string[] = [];
  #families: readonly Family[] = [4, 6];
  #settings = emptySettings;
  #first: ScriptSetting | null = null;
  #setting = emptySetting;
  #last: PacketSpec | null = null;
  #time = 0;

  constructor(file: string) {
    this.#file = file;
  }

  read(text: string): Script {
    for (const [index, line] of text.split("\n").entries()) {
      const words = wordsOf(line);
      if (words.left === 0) continue;
      try {
        this.#readLine(words, index + 1);
        words.end();
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        this.#problems.push(`${this.#file}:${index + 1}: ${error.message}`);
      }
    }
    if (this.#last === null) this.#problems.push(`${this.#file}:1: there is no packet in it`);
    if (this.#problems.length > 0) throw new SyntaxError(this.#problems.join("\n"));
    return {
      file: this.#file,
      asks: this.#asks,
      departs: this.#departs,
      families: this.#families,
      settings: this.#settings,
      setting: this.#first ?? this.#setting,
      steps: this.#steps,
    };
  }

  #readLine(words: Words, line: number): void {
    this.#readTime(words);
    const verb = words.next("a packet (> or <), session, rules, asks, …");
    switch (verb) {
      case ">":
      case "<":
        this.#readPacket(verb, words, line);
        return;
      case "session":
        this.#readSession(words, line);
        return;
      case "rules":
        this.#change({ rules: readRules(words.rest()) }, line);
        return;
      case "default-egress":
        this.#change({ defaultEgress: words.oneOf(["accept", "drop"]) }, line);
        return;
      case "inner-access":
        this.#change({ innerAccess: words.oneOf(["accept", "drop"]) }, line);
        return;
      default:
        this.#readHead(verb, words);
    }
  }

  /** What stands before the first packet only. */
  #readHead(verb: string, words: Words): void {
    if (this.#last !== null && this.#isHead(verb)) {
      throw new SyntaxError(`"${verb}" stands before the first packet`);
    }
    switch (verb) {
      case "asks":
        this.#asks.push(...listOf(words.rest()));
        return;
      case "departs":
        this.#departs.push(words.rest());
        return;
      case "families":
        this.#families = words.oneOf(["4", "6"]) === "4" ? [4] : [6];
        return;
      case "midstream":
        this.#settings = { ...this.#settings, midstream: words.oneOf(["pickup", "drop"]) };
        return;
      case "established-sessions":
        this.#settings = { ...this.#settings, establishedSessions: words.oneOf(["revalidate", "keep"]) };
        return;
      case "timeout":
        this.#readTimeout(words);
        return;
      default:
        throw new SyntaxError(
          `"${verb}" is no line of a script: write >, <, session, rules, default-egress, inner-access, asks, ` +
            "departs, families, midstream, established-sessions or timeout",
        );
    }
  }

  #isHead(verb: string): boolean {
    return ["asks", "departs", "families", "midstream", "established-sessions", "timeout"].includes(verb);
  }

  #readTimeout(words: Words): void {
    const { timeouts } = this.#settings;
    const names = Object.keys(timeouts) as (keyof typeof timeouts)[];
    const name = words.oneOf(names);
    this.#settings = { ...this.#settings, timeouts: { ...timeouts, [name]: words.number("seconds", 910) } };
  }

  #readTime(words: Words): void {
    const match = /^(\+?)(\d+(?:\.\d+)?)$/.exec(words.peek() ?? "");
    if (match === null) return;
    words.next("a time");
    const [text, plus, digits] = match;
    const seconds = Number(digits);
    if (!Number.isInteger(seconds * perSecond)) {
      throw new SyntaxError(`the time ${text} is no multiple of 0.125 s: write +0.125, +0.25, …`);
    }
    const time = plus === "+" ? this.#time + seconds : seconds;
    if (time < this.#time)
      throw new SyntaxError(`the time ${text} is before the line above, at ${this.#time}`);
    this.#time = time;
  }

  #readPacket(sender: keyof typeof senders, words: Words, line: number): void {
    const packet = parsePacket(senders[sender], words, this.#labels);
    words.keyword("expect", "every packet says what becomes of it: expect accept session established");
    const verdict = words.oneOf(["accept", "drop"]);
    const reason = words.next("a reason");
    const session = words.left > 0 ? words.oneOf(["none", "new", "established", "related"]) : "none";
    this.#first ??= this.#setting;
    this.#last = packet;
    if (packet.label !== null) this.#labels.set(packet.label, packet);
    const expect = `${verdict} ${reason} ${session}`;
    this.#steps.push({ kind: "packet", line, time: this.#time, packet, expect });
  }

  #readSession(words: Words, line: number): void {
    const of = words.take("of") ? words.next("the label of a packet") : null;
    const packet = of === null ? this.#last : this.#labels.get(of);
    if (packet === null || packet === undefined) {
      throw new SyntaxError(of === null ? "session before any packet" : `no packet above is "as ${of}"`);
    }
    const state: StateName = words.oneOf(stateNames);
    const expires = words.take("expires") ? words.decimal("seconds") : null;
    this.#steps.push({ kind: "session", line, time: this.#time, packet, of, state, expires });
  }

  #change(part: Partial<ScriptSetting>, line: number): void {
    this.#setting = { ...this.#setting, ...part };
    if (this.#last === null) return;
    this.#steps.push({ kind: "change", line, time: this.#time, setting: this.#setting });
  }
}

function listOf(text: string): string[] {
  return text
    .split(";")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

const rulePattern = /^(ingress|egress) (accept|drop) \S+ (-?\d+\/-?\d+ )?\S+( \S+=\S+)*$/;

function readRules(text: string): readonly string[] {
  if (text === "none") return [];
  const rules = listOf(text);
  for (const rule of rules) {
    if (!rulePattern.test(rule)) {
      throw new SyntaxError(`"${rule}" is no rule: write ingress accept tcp 80/80 any, or rules none`);
    }
    writeRule(rule, { family: 4, start: 0 });
  }
  if (rules.length === 0) throw new SyntaxError("rules of what? write rules none for no rule");
  return rules;
}

/** Throws a SyntaxError that has a line `file:line: …` for each line that is wrong. */
export function parseScript(file: string, text: string): Script {
  return new Reader(file).read(text);
}
