/** docs/semantics.md, "Working on rules": lint, check and reachability. */
import { writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { LintCode } from "../../src/policy/lint/finding.ts";
import { Desk } from "./desk.ts";
import { does, type Row, type Sentences } from "./rows.ts";
import type { Setting } from "./setting.ts";

/** The codes that `lint` finds. */
async function lintCodes(setting: Setting): Promise<string[]> {
  const desk = new Desk(setting);
  const { stdout, stderr } = await desk.run("lint", "--json");
  expect(stderr).toBe("");
  const { findings } = JSON.parse(stdout) as { findings: { code: string; message: string }[] };
  return findings.map(({ code }) => code);
}

/** Advice on one rule set, none of it on another. */
function advises(code: LintCode, against: string, bad: Setting, good: Setting): Row {
  return does(`${against} (${code})`, async () => {
    expect(await lintCodes(bad)).toContain(code);
    expect(await lintCodes(good)).not.toContain(code);
  });
}

const own = { rules: ["ingress accept tcp 80/80 198.51.100.0/24"] };
const dropFirst = "ingress drop all 0.0.0.0/0 priority=100";

/** So many guests, each in the group that `groupOf` names. */
function guests(groupOf: (number: number) => string): Setting {
  const ids = [1, 2, 3, 4, 5];
  const groups = Object.fromEntries(ids.map((id) => [groupOf(id), own]));
  const nic = (id: number) => ({ groups: [groupOf(id)] });
  return {
    ...own,
    groups,
    nic: nic(1),
    mate: nic(2),
    nics: { "eni-3": nic(3), "eni-4": nic(4), "eni-5": nic(5) },
  };
}

function ruleCount(count: number): Setting {
  const ids = [0, 1, 2].map((group) => `sg-n${group}`);
  const rulesOf = (group: number) =>
    Array.from(
      { length: count },
      (_, index) => `ingress accept tcp ${2 * index + 1}/${2 * index + 1} 10.${group}.0.0/16`,
    );
  const groups = Object.fromEntries(ids.map((id, group) => [id, { rules: rulesOf(group) }]));
  return { ...own, groups, nic: { groups: ids } };
}

export const adviceRows: Sentences = {
  "**Lint** tells what the good practice is against": [
    advises(
      "open-to-world",
      "inbound from 0.0.0.0/0",
      { rules: ["ingress accept tcp 22/22 0.0.0.0/0"] },
      own,
    ),
    advises("open-to-world", "inbound from ::/0", { rules: ["ingress accept tcp 22/22 ::/0"] }, own),
    advises(
      "port-range",
      "a port range where a port would do",
      { rules: ["ingress accept tcp 1/2000 10.0.0.0/8"] },
      own,
    ),
    advises(
      "accept-everything",
      "accept-everything rules",
      { rules: ["ingress accept all 10.0.0.0/8"] },
      own,
    ),
    advises(
      "one-group",
      "one group for everything",
      guests(() => "sg-all"),
      guests((id) => `sg-${id % 2}`),
    ),
    advises(
      "group-per-instance",
      "a group for each instance",
      guests((id) => `sg-${id}`),
      guests((id) => `sg-${id % 2}`),
    ),
    advises("many-rules", "hundreds of rules on one interface", ruleCount(150), ruleCount(10)),
    advises(
      "shadowed",
      "rules that can never take effect",
      { rules: ["ingress drop tcp 80/90 10.0.0.0/8", "ingress accept tcp 85/85 10.1.0.0/16"] },
      { rules: ["ingress drop tcp 80/90 10.0.0.0/8 priority=2", "ingress accept tcp 85/85 10.1.0.0/16"] },
    ),
    advises(
      "redundant",
      "rules that change nothing",
      { rules: ["ingress accept tcp 80/90 10.0.0.0/8 priority=2", "ingress accept tcp 85/85 10.1.0.0/16"] },
      { rules: ["ingress accept tcp 80/90 10.0.0.0/8 priority=2", "ingress drop tcp 85/85 10.1.0.0/16"] },
    ),
    advises(
      "empty-remote",
      "rules that name an empty group",
      { rules: ["ingress accept tcp 80/80 sg-empty"], groups: { "sg-empty": {} } },
      {
        rules: ["ingress accept tcp 80/80 sg-b"],
        groups: { "sg-b": {} },
        nics: { "eni-3": { groups: ["sg-b"] } },
      },
    ),
    advises(
      "no-drop-first",
      "a group without drop-first ingress",
      { rules: own.rules },
      { rules: [...own.rules, dropFirst, "ingress drop all ::/0 priority=100"] },
    ),
  ],
};

/** `check` of one row: what it says. */
async function check(setting: Setting, row: object): Promise<number | null> {
  const desk = new Desk(setting);
  const file = desk.path("expect.json");
  writeFileSync(file, JSON.stringify([row]));
  const { code } = await desk.run("check", file);
  return code;
}

export const askRows: Sentences = {
  "**Check** and **reachability** speak of what the rules judge": [
    does("check: neighbour discovery, which always works, does not make an accept", async () => {
      const closed = { group: { innerAccess: "drop" } };
      const row = { from: "2001:db8:ffff::/48", to: "eni-1", protocol: "icmpv6", expect: "drop" };
      expect(await check(closed, row)).toBe(0);
      expect(await check(closed, { ...row, expect: "accept" })).toBe(1);
      expect(
        await check(
          { ...closed, rules: ["ingress accept icmpv6 2001:db8:ffff::/48"] },
          { ...row, expect: "accept" },
        ),
      ).toBe(0);
    }),
    does("check: what a source that is spoofed or malformed would meet does not count", async () => {
      const open = { rules: ["ingress accept all 0.0.0.0/0", "ingress accept all ::/0"] };
      const row = { from: "0.0.0.0/0", to: "eni-1", protocol: "tcp", port: 80, expect: "accept" };
      expect(await check(open, row)).toBe(0);
      expect(await check({ rules: ["ingress accept tcp 80/80 10.0.0.0/8"] }, row)).toBe(1);
    }),
    does("reachability: only what rules and inner access let through", async () => {
      const setting = {
        group: { innerAccess: "drop" },
        groups: { "sg-b": { rules: ["ingress accept tcp 5432/5432 sg-t"] } },
        nics: { "eni-3": { groups: ["sg-b"] } },
      };
      const { code, stdout, stderr } = await new Desk(setting).run("reachability");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("tcp 5432");
      expect(stdout).not.toMatch(/arp|dhcp|neighbour/i);
    }),
  ],
};
