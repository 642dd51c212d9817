/** One claim of a sentence: played with packets, or asked of the reader of rules files, or shown by a function. */
import { expect } from "vitest";
import type { KernelSettings } from "../../src/kernel/settings.ts";
import type { DiagnosticCode } from "../../src/model/diagnostic.ts";
import type { Family, Limits, Model, Rule } from "../../src/model/model.ts";
import { type Fields, readRules, type Setting, writeRules } from "./setting.ts";
import type { Step } from "./steps.ts";

export interface Play {
  readonly kind: "play";
  readonly claim: string;
  readonly setting: Setting;
  readonly steps: readonly Step[];
  readonly families: readonly Family[];
  readonly settings: Partial<KernelSettings>;
}

export interface Check {
  readonly kind: "check";
  readonly claim: string;
  readonly run: () => void | Promise<void>;
}

export type Row = Play | Check;

/** By the sentence's beginning, exactly as it stands in docs/semantics.md. */
export type Sentences = Readonly<Record<string, readonly Row[]>>;

export interface Chapter {
  readonly heading: string;
  readonly sentences: Sentences;
}

type Script = readonly (Step | readonly Step[])[];

/** In both families, at both hooks, on the oracle and on the kernel's program. */
export function plays(
  claim: string,
  setting: Setting,
  steps: Script,
  options: { families?: readonly Family[]; settings?: Partial<KernelSettings> } = {},
): Play {
  const { families = [4, 6], settings = {} } = options;
  return { kind: "play", claim, setting, steps: steps.flat(), families, settings };
}

export function does(claim: string, run: () => void | Promise<void>): Check {
  return { kind: "check", claim, run };
}

const moment = { family: 4, start: 1_800_000_000 } as const;

/** The rules file of this setting is taken; `look` sees the model. */
export function takes(claim: string, setting: Setting, look: (model: Model) => void = () => {}): Check {
  return does(claim, () => {
    const { model, diagnostics } = readRules(writeRules(setting, moment));
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    if (model === null) throw new Error("no error and no model");
    look(model);
  });
}

export interface Refusal {
  readonly code: DiagnosticCode;
  readonly says: RegExp;
}

/** It is refused as a whole, at a place, with this code and message. */
export function refuses(
  claim: string,
  setting: Setting,
  refusal: Refusal,
  limits: Partial<Limits> = {},
): Check {
  return does(claim, () => expectRefusal(writeRules(setting, moment), refusal, limits));
}

function expectRefusal(text: string, { code, says }: Refusal, limits: Partial<Limits>): void {
  const { model, diagnostics } = readRules(text, limits);
  expect(model).toBeNull();
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  expect(errors.map((error) => error.code)).toEqual([code]);
  expect(errors[0]?.message).toMatch(says);
  expect(errors[0]?.place?.file).toBe("rules.yaml");
  expect(errors[0]?.place?.line).toBeGreaterThan(0);
}

/** A rule of sg-t that differs from a legal one in these keys. */
export function refusesRule(claim: string, keys: Fields, refusal: Refusal): Check {
  return does(claim, () => expectRefusal(textWithRule(keys), refusal, {}));
}

export function takesRule(claim: string, keys: Fields, look: (model: Model) => void = () => {}): Check {
  return does(claim, () => {
    const { model, diagnostics } = readRules(textWithRule(keys));
    expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
    if (model === null) throw new Error("no error and no model");
    look(model);
  });
}

/** A key set to undefined is left out. */
function textWithRule(keys: Fields): string {
  const written = {
    direction: "ingress",
    policy: "accept",
    protocol: "tcp",
    portRange: "80/80",
    remote: "0.0.0.0/0",
  };
  const text = writeRules({ lists: { "pl-a": ["198.51.100.0/24"] } }, moment);
  const empty = '"sg-t":{"type":"basic","network":"vpc-a","rules":[]}';
  const whole = empty.replace("[]", JSON.stringify([{ ...written, ...keys }]));
  if (!text.includes(empty)) throw new Error("the bed's group is written another way");
  return text.replace(empty, whole);
}

/** The first rule of sg-t. */
export function firstRule(model: Model): Rule {
  const rule = model.groups.get("sg-t")?.rules[0];
  if (rule === undefined) throw new Error("sg-t has no rule");
  return rule;
}
