/** docs/semantics.md, "Limits": each taken at its value, and refused beyond it. */
import { expect } from "vitest";
import { parseConfig } from "../../src/agent/config.ts";
import { defaultLimits, type Limits } from "../../src/model/model.ts";
import { type Chapter, does, type Row, refuses, takes } from "./rows.ts";
import { type Fields, readRules, type Setting, writeRules } from "./setting.ts";

const moment = { family: 4, start: 1_800_000_000 } as const;
const rule = "ingress accept tcp 80/80 any";

function rulesOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `ingress accept tcp ${index + 1}/${index + 1} any`);
}

/** So many rules for eni-1, over as many groups as they need. */
function merged(count: number): Setting {
  const groups = Array.from({ length: Math.ceil(count / 200) }, (_, index) => [
    `sg-n${index}`,
    { rules: rulesOf(Math.min(200, count - 200 * index)) },
  ]);
  return { groups: Object.fromEntries(groups), nic: { groups: groups.map(([id]) => id) } };
}

function entries(count: number, third = 0): string[] {
  return Array.from({ length: count }, (_, index) => `10.${third}.${index >> 8}.${index & 255}/32`);
}

/** 20 lists of 1,000 prefixes each, and this many more in rules; every list holds others. */
function manyPrefixes(more: number): Setting {
  const lists = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`pl-${index}`, entries(1000, index)]),
  );
  const extra = Array.from({ length: more }, (_, index) => `ingress accept tcp 80/80 11.0.0.${index}/32`);
  return {
    lists,
    rules: [...Object.keys(lists).map((list) => `ingress accept tcp 80/80 ${list}`), ...extra],
  };
}

function groupsFor(count: number): Setting {
  const ids = Array.from({ length: count }, (_, index) => `sg-n${index}`);
  return { groups: Object.fromEntries(ids.map((id) => [id, {}])), nic: { groups: ids } };
}

const long = "n".repeat(63);
const text256 = "é".repeat(256);

function withText(fields: Fields): Setting {
  return { groups: { "sg-a": fields } };
}

const idRows: readonly Row[] = [
  takes("63 characters, letters, digits, `.`, `_`, `-`, and an account before a group's", {
    networks: { [long]: { type: "vpc" }, "0.a_b-c": { type: "vpc" } },
    groups: { [`sg-${"n".repeat(60)}`]: {}, [`${long}/sg-a`]: {}, [`9/sg-${"n".repeat(60)}`]: {} },
  }),
  refuses(
    "64 characters",
    { networks: { [`${long}n`]: { type: "vpc" } } },
    { code: "bad-id", says: /at most 63/ },
  ),
  refuses(
    "another beginning",
    { networks: { "-a": { type: "vpc" } } },
    { code: "bad-id", says: /`-a`.*first a letter/ },
  ),
  refuses("another character", { groups: { "sg-a b": {} } }, { code: "bad-id", says: /`sg-a b`/ }),
  refuses("an account before a list's", { lists: { "9/pl-a": [] } }, { code: "bad-id", says: /`9\/pl-a`/ }),
  refuses("two accounts", { groups: { "9/9/sg-a": {} } }, { code: "bad-id", says: /`9\/9\/sg-a`/ }),
  takes("names and descriptions of 256 characters", withText({ name: text256, description: text256 })),
  refuses("a name of 257", withText({ name: `${text256}n` }), {
    code: "bad-text",
    says: /`name` has 257 characters: write at most 256/,
  }),
  refuses("a description of 257", withText({ description: `${text256}n` }), {
    code: "bad-text",
    says: /`description` has 257/,
  }),
  ...["\u001b[31m", "a\nb", "\u202e", "\u2028", "\u0000"].map((text) =>
    refuses(`a name with ${JSON.stringify(text)}`, withText({ name: text }), {
      code: "bad-text",
      says: /unprintable character U\+/,
    }),
  ),
  refuses("a name with a C1 control character", withText({ name: "\u009b" }), {
    code: "control-character",
    says: /U\+009B/,
  }),
];

interface Case {
  readonly limit: keyof Limits;
  readonly value: number;
  readonly most: Setting;
  readonly more: Setting;
}

const cases: readonly Case[] = [
  { limit: "rulesPerGroup", value: 200, most: { rules: rulesOf(200) }, more: { rules: rulesOf(201) } },
  { limit: "groupsPerInterface", value: 10, most: groupsFor(10), more: groupsFor(11) },
  { limit: "rulesPerInterface", value: 1000, most: merged(1000), more: merged(1001) },
  {
    limit: "entriesPerPrefixList",
    value: 1000,
    most: { lists: { "pl-a": entries(1000) } },
    more: { lists: { "pl-a": entries(1001) } },
  },
  { limit: "prefixesPerPolicy", value: 20_000, most: manyPrefixes(0), more: manyPrefixes(1) },
];

function refusalOf(setting: Setting, limits: Partial<Limits> = {}): readonly string[] {
  const { model, diagnostics } = readRules(writeRules(setting, moment), limits);
  expect(model).toBeNull();
  return diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
}

export const limits: Chapter = {
  heading: "Limits (each configurable)",
  sentences: {
    "Ids `[A-Za-z0-9][A-Za-z0-9._-]{0,62}`": idRows,
    "Rules per group 200; groups per interface 10;": [
      ...cases.flatMap(({ limit, value, most, more }) => [
        takes(`${limit}: ${value}`, most),
        refuses(`${limit}: ${value + 1} is refused`, more, {
          code: "limit",
          says: new RegExp(`\`${limit}\` .* of ${value}: .*: ${value + 1} asked`),
        }),
        does(`${limit} is configurable, and its default is ${value}`, () => {
          expect(defaultLimits[limit]).toBe(value);
          const { config } = parseConfig({
            path: "agent.yaml",
            text: JSON.stringify({ limits: { [limit]: 7 } }),
          });
          expect(config?.limits[limit]).toBe(7);
          const [message] = refusalOf(most, { [limit]: value - 1 });
          expect(message).toContain(`\`${limit}\``);
          expect(message).toContain(`of ${value - 1}`);
        }),
      ]),
      takes("a prefix that many rules and lists name counts once", {
        ...manyPrefixes(0),
        rules: [
          ...(manyPrefixes(0).rules ?? []),
          "ingress accept tcp 81/81 10.0.0.0/32",
          "egress drop all 10.1.0.1/32",
        ],
      }),
      does("addresses per group are the table's, and configurable", () => {
        expect(defaultLimits).toMatchObject({
          addressesPerBasicGroup: 2000,
          addressesPerAdvancedGroup: 65536,
        });
        expect(refusalOf({}, { addressesPerBasicGroup: 3 })).toEqual([
          expect.stringMatching(/`addressesPerBasicGroup` .* of 3: .*`sg-t`.*: 4 asked/),
        ]);
      }),
    ],
    "Over a limit: the change is refused as a whole": [
      does("naming the limit, its value, what was asked, and how to go on", () => {
        const [message] = refusalOf({ rules: rulesOf(205) });
        expect(message).toBe(
          "over the limit `rulesPerGroup` (rules per group) of 200: rules of `sg-t`: 205 asked; take out 5, or raise `limits.rulesPerGroup` in agent.yaml",
        );
      }),
      does("every limit that is gone over is named at once", () => {
        const messages = refusalOf({
          rules: rulesOf(201),
          lists: { "pl-a": entries(1001) },
          ...groupsFor(11),
        });
        expect(messages.map((message) => /`(\w+)`/.exec(message)?.[1]).sort()).toEqual([
          "entriesPerPrefixList",
          "groupsPerInterface",
          "rulesPerGroup",
        ]);
      }),
      takes("within every limit it is taken as a whole", { rules: [rule] }),
    ],
  },
};
