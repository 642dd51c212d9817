/** docs/semantics.md, "Types": the table, row by row. */
import { expect } from "vitest";
import type { Model } from "../../src/model/model.ts";
import { type Chapter, plays, type Row, refuses, takes } from "./rows.ts";
import type { Setting } from "./setting.ts";
import { into, out, syn, udp } from "./steps.ts";

/** Both guests in one advanced group. */
function advanced(rules: readonly string[] = [], fields: object = {}): Setting {
  return {
    groups: { "sg-adv": { type: "advanced", rules, ...fields } },
    nic: { groups: ["sg-adv"] },
    mate: { groups: ["sg-adv"] },
  };
}

function priorities(model: Model, group: string): number[] {
  return model.groups.get(group)?.rules.map(({ priority }) => priority) ?? [];
}

const priorityRows: readonly Row[] = [
  takes(
    "basic: 1 to 100, 1 where none is written",
    {
      rules: [
        "ingress accept all any",
        "ingress accept all any priority=1",
        "ingress accept all any priority=100",
      ],
    },
    (model) => expect(priorities(model, "sg-t")).toEqual([1, 1, 100]),
  ),
  ...[0, 101, 110, 1.5, -1].map((priority) =>
    refuses(
      `basic: ${priority} is refused`,
      { rules: [`ingress accept all any priority=${priority}`] },
      {
        code: "bad-priority",
        says: /write a whole number from 1 \(first\) to 100/,
      },
    ),
  ),
  takes(
    "advanced: 1, written or not",
    advanced(["ingress accept all any", "ingress accept all any priority=1"]),
    (model) => expect(priorities(model, "sg-adv")).toEqual([1, 1]),
  ),
  ...[2, 100, 110].map((priority) =>
    refuses(`advanced: ${priority} is refused`, advanced([`ingress accept all any priority=${priority}`]), {
      code: "advanced-group",
      says: new RegExp(`\`priority: ${priority}\` in an advanced group.*write \`1\``),
    }),
  ),
];

export const types: Chapter = {
  heading: "Types",
  sentences: {
    "priority of a custom rule |": priorityRows,
    "policy | accept, drop": [
      plays(
        "basic: both",
        {
          rules: ["ingress accept tcp 80/80 any", "ingress drop tcp 81/81 any", "egress drop tcp 25/25 any"],
        },
        [into(syn(80), "accept rule new"), into(syn(81), "drop rule"), out(syn(25), "drop rule")],
      ),
      plays(
        "advanced: accept, in both directions",
        advanced(["ingress accept tcp 80/80 any", "egress accept tcp 25/25 any"], { defaultEgress: "drop" }),
        [
          into(syn(80), "accept rule new sg-adv 0"),
          out(syn(25), "accept rule new sg-adv 1"),
          into(syn(81), "drop no-rule"),
          out(syn(26), "drop default-drop"),
        ],
      ),
      refuses("advanced: a drop is refused", advanced(["egress drop tcp 25/25 any"]), {
        code: "advanced-group",
        says: /`policy: drop` in an advanced group/,
      }),
    ],
    "group as authorization object |": [
      plays(
        "basic: a group of the same network",
        {
          rules: ["ingress accept tcp 80/80 sg-b"],
          groups: { "sg-b": {} },
          nics: { "eni-3": { groups: ["sg-b"] } },
        },
        [into(syn(80), "accept rule new", { from: "third" }), into(syn(80), "drop no-rule")],
      ),
      takes("basic: an advanced group of the same network is one too", {
        rules: ["ingress accept tcp 80/80 sg-b"],
        groups: { "sg-b": { type: "advanced" } },
      }),
      refuses(
        "basic: a group of another network is refused",
        {
          rules: ["ingress accept tcp 80/80 sg-b"],
          networks: { "vpc-b": { type: "vpc" } },
          groups: { "sg-b": { network: "vpc-b" } },
        },
        { code: "other-network", says: /`sg-b` is a group of network `vpc-b`, this one of `vpc-a`/ },
      ),
      refuses("advanced: refused", advanced(["ingress accept tcp 80/80 sg-t"]), {
        code: "advanced-group",
        says: /the group `sg-t` as remote in an advanced group: write prefixes or a prefix list/,
      }),
      plays(
        "advanced: a prefix list stands in",
        { ...advanced(["ingress accept tcp 80/80 pl-a"]), lists: { "pl-a": ["mate"] } },
        [
          into(syn(80), "accept rule new", { from: "mate" }),
          into(syn(80), "drop no-rule", { from: "third" }),
        ],
      ),
    ],
    "two members of the same group |": [
      plays("basic: mutually accessible", { group: { defaultEgress: "drop" } }, [
        out(syn(80), "accept inner-access new", { to: "mate" }),
        into(syn(80), "accept inner-access new", { on: "eni-2", from: "me" }),
        out(udp("1>2"), "accept inner-access new", { on: "eni-2", to: "me" }),
        into(udp("1>2"), "accept inner-access new", { from: "mate" }),
        into(syn(80), "drop no-rule"),
      ]),
      plays("basic: not when it is set to drop", { group: { innerAccess: "drop" } }, [
        into(syn(80), "drop no-rule", { from: "mate" }),
        out(syn(80), "accept default-egress new", { to: "mate" }),
      ]),
      plays("advanced: isolated, unless a rule allows it", advanced(["ingress accept tcp 80/80 members"]), [
        into(syn(80), "accept rule new", { from: "mate" }),
        into(syn(81), "drop no-rule", { from: "mate" }),
        into(syn(81), "drop no-rule", { on: "eni-2", from: "me" }),
      ]),
      refuses("advanced: innerAccess: accept is refused", advanced([], { innerAccess: "accept" }), {
        code: "advanced-group",
        says: /`innerAccess: accept` in an advanced group/,
      }),
      takes("advanced: innerAccess: drop says what is so", advanced([], { innerAccess: "drop" })),
    ],
    "ingress that no rule matches |": [
      plays("basic", { rules: ["ingress accept tcp 80/80 any"] }, [
        into(syn(81), "drop no-rule"),
        into(syn(80), "accept rule new"),
      ]),
      plays("advanced", advanced(["ingress accept tcp 80/80 any"]), [
        into(syn(81), "drop no-rule"),
        into(syn(80), "accept rule new"),
      ]),
    ],
    "egress that no rule matches |": [
      plays(
        "basic: accept; drop where it is said",
        { groups: { "sg-b": { defaultEgress: "drop" } }, mate: { groups: ["sg-b"] } },
        [out(syn(80), "accept default-egress new"), out(syn(80), "drop default-drop", { on: "eni-2" })],
      ),
      plays("advanced: accept", advanced(), [
        out(syn(80), "accept default-egress new"),
        into(syn(80, 2), "drop no-rule"),
      ]),
      plays(
        "advanced: drop is the strict whitelist",
        advanced(["egress accept tcp 443/443 peers"], { defaultEgress: "drop" }),
        [
          out(syn(443), "accept rule new"),
          out(syn(443), "drop default-drop", { to: "far" }),
          out(syn(80), "drop default-drop"),
          out(syn(80), "drop default-drop", { to: "mate" }),
        ],
      ),
    ],
    "network | VPC, classic": [
      takes("basic: both", {
        networks: { "net-c": { type: "classic" } },
        groups: { "sg-c": { network: "net-c" } },
      }),
      takes("advanced: a VPC", advanced()),
      refuses(
        "advanced: no classic network",
        {
          networks: { "net-c": { type: "classic" } },
          groups: { "sg-adv": { type: "advanced", network: "net-c" } },
        },
        { code: "advanced-group", says: /an advanced group in a classic network: make it basic/ },
      ),
    ],
    "private addresses |": [
      takes("basic: 2,000", crowd("basic", 2000)),
      refuses("basic: no more", crowd("basic", 2001), {
        code: "limit",
        says: /`addressesPerBasicGroup` .* of 2000: .*`sg-many`.*: 2001 asked/,
      }),
      takes("advanced: beyond what a basic group takes, to 65,536", crowd("advanced", 65_536)),
      refuses("advanced: no more", crowd("advanced", 65_537), {
        code: "limit",
        says: /`addressesPerAdvancedGroup` .* of 65536: .*`sg-many`.*: 65537 asked/,
      }),
    ],
  },
};

/** One interface with so many addresses, and one more with the rest. */
function crowd(type: "basic" | "advanced", count: number): Setting {
  const addresses = Array.from(
    { length: count },
    (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
  );
  return {
    groups: { "sg-many": { type } },
    nics: {
      "eni-3": { groups: ["sg-many"], addresses: addresses.slice(0, 1000) },
      "eni-4": { groups: ["sg-many"], addresses: addresses.slice(1000) },
    },
  };
}
