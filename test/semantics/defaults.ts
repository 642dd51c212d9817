/** docs/semantics.md, "Default and templates". */
import { expect } from "vitest";
import type { Model, Rule } from "../../src/model/model.ts";
import { describeRule } from "../../src/model/rule.ts";
import {
  makeDefaultGroup,
  makeDefaultRules,
  makeTemplateRules,
  type TemplateName,
} from "../../src/model/template.ts";
import { type Chapter, does, plays, refuses, takes } from "./rows.ts";
import { echo, into, out, syn, udp } from "./steps.ts";
import { commandRows } from "./working.ts";

const alone = { nic: { groups: undefined } };

function sayRules(rules: readonly Rule[]): string[] {
  return rules.map((rule) => `${rule.priority} ${describeRule(rule)}`);
}

function defaultOf(model: Model): string[] {
  return [...model.groups.values()].filter(({ isDefault }) => isDefault).map(({ id }) => id);
}

function openPorts(priority: number, ...ports: readonly number[]): string[] {
  return [["0.0.0.0/0", "icmp"] as const, ["::/0", "icmpv6"] as const].flatMap(([any, icmp]) => [
    `${priority} ingress accept ${icmp} from ${any}`,
    ...ports.map((port) => `${priority} ingress accept tcp ${port}/${port} from ${any}`),
  ]);
}

const allOut = ["110 egress accept all to 0.0.0.0/0", "110 egress accept all to ::/0"];
const vpc = { id: "vpc-a", type: "vpc", forwarding: "kernel", gateways: [], place: null } as const;
const classic = { ...vpc, type: "classic" } as const;

function template(name: TemplateName, type: "basic" | "advanced" = "basic"): string[] {
  return sayRules(makeTemplateRules(name, type, vpc));
}

export const defaults: Chapter = {
  heading: "Default and templates",
  sentences: {
    "An interface declared without a group joins": [
      takes(
        "the one that its network declares",
        {
          ...alone,
          groups: { "sg-home": { default: true } },
        },
        (model) => {
          expect(model.interfaces.get("eni-1")?.groups).toEqual(["sg-home"]);
          expect(model.interfaces.get("eni-2")?.groups).toEqual(["sg-t"]);
          expect(defaultOf(model)).toEqual(["sg-home"]);
        },
      ),
      takes(
        "an empty list of groups names none",
        { nic: { groups: [] }, groups: { "sg-home": { default: true } } },
        (model) => expect(model.interfaces.get("eni-1")?.groups).toEqual(["sg-home"]),
      ),
      plays(
        "and obeys its rules",
        {
          ...alone,
          groups: { "sg-home": { default: true, rules: ["ingress accept tcp 8080/8080 any"] } },
        },
        [
          into(syn(8080), "accept rule new sg-home 0"),
          into(syn(22), "drop no-rule"),
          into(syn(8080), "drop no-rule", { on: "eni-2" }),
        ],
      ),
      refuses(
        "two default groups of one network",
        {
          groups: { "sg-home": { default: true }, "sg-too": { default: true } },
        },
        { code: "default-group", says: /two default groups, `sg-home` and `sg-too`/ },
      ),
      takes("one of each network", {
        networks: { "vpc-b": { type: "vpc" } },
        groups: { "sg-home": { default: true }, "sg-b": { default: true, network: "vpc-b" } },
      }),
    ],
    "If there is none it is made, `sg-default-NETWORK`": [
      takes("basic, both families, 110, and all egress", alone, (model) => {
        const made = model.groups.get("sg-default-vpc-a");
        expect(made).toMatchObject({
          type: "basic",
          isDefault: true,
          network: "vpc-a",
          innerAccess: "accept",
        });
        expect(sayRules(made?.rules ?? [])).toEqual([...openPorts(110, 22, 3389), ...allOut]);
      }),
      commandRows.shown,
      commandRows.asked,
      takes("not where every interface names a group", {}, (model) => expect(defaultOf(model)).toEqual([])),
      takes(
        "nor where the network declares one",
        { ...alone, groups: { "sg-home": { default: true } } },
        (model) => expect(model.groups.has("sg-default-vpc-a")).toBe(false),
      ),
      does("with TCP 80 and 443 when asked for", () => {
        const made = makeDefaultRules(vpc, { web: true });
        expect(sayRules(made)).toEqual([...openPorts(110, 22, 3389, 80, 443), ...allOut]);
      }),
      does("in a classic network for interfaces of both kinds", () => {
        const { rules } = makeDefaultGroup(classic);
        const kinds = (["intranet", "internet"] as const).map((kind) =>
          sayRules(rules.filter(({ nicType }) => nicType === kind)),
        );
        expect(kinds[0]).toEqual([...openPorts(110, 22, 3389), ...allOut]);
        expect(kinds[1]).toEqual(kinds[0]);
        expect(rules.map(({ index }) => index)).toEqual(rules.map((_, index) => index));
      }),
      plays("it opens ICMP, 22 and 3389, and nothing else", alone, [
        into(echo(), "accept rule new"),
        into(syn(22), "accept rule new"),
        into(syn(3389), "accept rule new"),
        into(syn(80), "drop no-rule"),
        into(udp("1>22"), "drop no-rule"),
        out(syn(25), "accept rule new"),
        out(udp("1>2"), "accept rule new"),
      ]),
      plays(
        "in a classic network too, on an internet interface",
        {
          networks: { "net-c": { type: "classic" } },
          nic: { network: "net-c", groups: undefined, nicType: "internet" },
        },
        [into(syn(22), "accept rule new"), into(syn(80), "drop no-rule")],
      ),
      refuses(
        "a group of that name that is none",
        { ...alone, groups: { "sg-default-vpc-a": {} } },
        {
          code: "default-group",
          says: /`sg-default-vpc-a` is not the default group of `vpc-a`: write `default: true`/,
        },
      ),
    ],
    "110 is legal only there and in rules with `template: true`": [
      takes(
        "in the default group",
        {
          groups: { "sg-home": { default: true, rules: ["ingress accept tcp 80/80 any priority=110"] } },
        },
        (model) => expect(model.groups.get("sg-home")?.rules[0]?.priority).toBe(110),
      ),
      takes(
        "in a template's rule, written or not",
        {
          rules: [
            "ingress accept tcp 80/80 any template=true",
            "ingress accept tcp 81/81 any template=true priority=110",
          ],
        },
        (model) =>
          expect(model.groups.get("sg-t")?.rules.map(({ priority }) => priority)).toEqual([110, 110]),
      ),
      refuses(
        "in a custom rule",
        { rules: ["ingress accept tcp 80/80 any priority=110"] },
        {
          code: "bad-priority",
          says: /`priority: 110` is not possible: write a whole number from 1 \(first\) to 100/,
        },
      ),
      refuses(
        "a template's rule with another one",
        { rules: ["ingress accept tcp 80/80 any template=true priority=100"] },
        {
          code: "bad-priority",
          says: /`priority: 100` in a template rule: write `110`/,
        },
      ),
      plays(
        "any custom rule outranks them, a drop and an accept",
        {
          ...alone,
          nic: { groups: ["sg-default-vpc-a", "sg-t"] },
          groups: {
            "sg-default-vpc-a": {
              default: true,
              rules: ["ingress accept tcp 22/23 any priority=110", "ingress drop tcp 80/81 any priority=110"],
            },
          },
          rules: ["ingress drop tcp 22/22 any priority=100", "ingress accept tcp 80/80 any priority=100"],
        },
        [
          into(syn(22), "drop rule none sg-t 0"),
          into(syn(23), "accept rule new sg-default-vpc-a 0"),
          into(syn(80), "accept rule new sg-t 1"),
          into(syn(81), "drop rule none sg-default-vpc-a 1"),
        ],
      ),
    ],
    "Templates for a new group: `web-linux`": [
      does("each with its ports, both families", () => {
        expect(template("web-linux")).toEqual(openPorts(110, 22, 80, 443));
        expect(template("web-windows")).toEqual(openPorts(110, 3389, 80, 443));
        expect(template("custom")).toEqual([]);
      }),
    ],
    "Template rules are default rules: priority 110": [
      does("110 in a basic group, 1 in an advanced one, marked as a template's", () => {
        expect(template("web-linux", "basic")).toEqual(openPorts(110, 22, 80, 443));
        expect(template("web-linux", "advanced")).toEqual(openPorts(1, 22, 80, 443));
        for (const rule of makeTemplateRules("web-linux", "advanced", vpc)) expect(rule.template).toBe(true);
      }),
      takes(
        "a file may hold them in an advanced group too",
        {
          groups: { "sg-adv": { type: "advanced", rules: ["ingress accept tcp 22/22 any template=true"] } },
        },
        (model) =>
          expect(model.groups.get("sg-adv")?.rules[0]).toMatchObject({ priority: 1, template: true }),
      ),
    ],
  },
};
