/** Rules as a test writes them: the parts that it says nothing of are legal. */
import { expect } from "vitest";
import { defaultLimits, type Limits } from "../../../src/model/model.ts";
import { parseModel } from "../../../src/model/parse.ts";

interface Extra {
  readonly limits?: Partial<Limits>;
  readonly host?: string;
}

export function parse(texts: string | readonly string[], { limits = {}, host }: Extra = {}) {
  const files = [texts].flat().map((text, index) => ({ path: `${"abc"[index]}.yaml`, text }));
  const options = { limits: { ...defaultLimits, ...limits }, ...(host === undefined ? {} : { host }) };
  return parseModel(files, options);
}

/** Codes of the errors, in their order. */
export function errors(texts: string | readonly string[], extra: Extra = {}): string[] {
  const { model, diagnostics } = parse(texts, extra);
  const found = diagnostics.filter(({ severity }) => severity === "error").map(({ code }) => code);
  expect(model === null).toBe(found.length > 0);
  return found;
}

export const head = `version: 1
networks: {vpc-a: {type: vpc, gateways: [10.0.0.1]}, vpc-b: {type: vpc}, cl: {type: classic}}
`;
export const group = (body: string, id = "sg-t") => `${head}groups:\n  ${id}: {${body}}\n`;
export const withRule = (rule: string, type = "basic") =>
  group(
    `type: ${type}, network: vpc-a, rules: [{direction: ingress, policy: accept, protocol: tcp, portRange: 80/80, ${rule}}]`,
  );

export const groups = `groups:
  sg-t: {type: basic, network: vpc-a}
  sg-u: {type: basic, network: vpc-a}
  sg-adv: {type: advanced, network: vpc-a}
  sg-b: {type: basic, network: vpc-b}
  sg-cl: {type: basic, network: cl}
`;
/** Interfaces as one-line maps: each key that is not written has a legal value. */
export function interfaces(...list: readonly string[]): string {
  const lines = list.map((written, index) => {
    const number = index + 1;
    const values = {
      device: `tap${number}`,
      network: "vpc-a",
      mac: `"02:00:00:00:01:0${number}"`,
      addresses: `[10.0.0.1${number}]`,
      groups: "[sg-t]",
    };
    const missing = Object.entries(values).filter(([key]) => !new RegExp(`\\b${key}:`).test(written));
    const rest = [...missing.map(([key, value]) => `${key}: ${value}`), written].filter(
      (part) => part !== "",
    );
    return `  i-${number}: {interfaces: {eni-${number}: {${rest.join(", ").replaceAll(/\w+: -(, )?/g, "")}}}}\n`;
  });
  return `${head}${groups}instances:\n${lines.join("")}`;
}
