import { describe, expect, it } from "vitest";
import { lacks, mergeRules } from "../../../src/cli/group/entry-rules.ts";
import { contentOf } from "../../../src/cli/rule-content.ts";
import type { PlainMap } from "../../../src/model/entry.ts";

const rule = {
  direction: "ingress",
  policy: "accept",
  protocol: "tcp",
  portRange: "80/80",
  remote: "10.0.0.0/8",
};

describe("two ways of writing one rule", () => {
  it.each<[string, PlainMap, PlainMap]>([
    ["what need not be written", {}, { priority: 1, nicType: "intranet", description: "", template: false }],
    ["every source port", {}, { sourcePortRange: "-1/-1" }],
    ["an id", { id: "a" }, { id: "b" }],
    ["bits behind a length", {}, { remote: "10.0.0.1/8" }],
    ["IPv6 in capitals", { remote: "2001:db8::/32" }, { remote: "2001:DB8:0::/32" }],
    ["bits behind a near length", { local: "10.0.0.0/8" }, { local: "10.0.0.9/8" }],
    ["another zone", { expires: "2031-12-31T18:00:00Z" }, { expires: "2031-12-31T20:00:00+02:00" }],
    [
      "ports of what has none",
      { protocol: "all", portRange: undefined },
      { protocol: "all", portRange: "-1/-1" },
    ],
    ["a template's own priority", { template: true }, { template: true, priority: 110 }],
  ])("%s are told as one", (_name, one, other) => {
    expect(contentOf({ ...rule, ...one })).toBe(contentOf({ ...rule, ...other }));
  });

  it.each<[string, PlainMap]>([
    ["another priority", { priority: 2 }],
    ["other source ports", { sourcePortRange: "1/1023" }],
    ["every port", { portRange: "-1/-1" }],
    ["an end", { expires: "2031-12-31T18:00:00Z" }],
    ["a description", { description: "x" }],
    ["a longer prefix", { remote: "10.0.0.0/9" }],
  ])("%s is another rule", (_name, other) => {
    expect(contentOf({ ...rule, ...other })).not.toBe(contentOf(rule));
  });

  it("what is told of a rule can be left out of it", () => {
    expect(contentOf({ ...rule, description: "x" }, ["description"])).toBe(contentOf(rule));
  });
});

describe("rules that come to others", () => {
  const present = [
    { ...rule, id: "web" },
    { ...rule, id: "7", remote: "sg-a" },
  ];

  it("come once, however they are written", () => {
    expect(lacks([{ ...rule, remote: "10.9.9.9/8" }], present)).toEqual([]);
    expect(mergeRules(present, present)).toEqual({ added: [], notes: [] });
  });

  it("come without an id that another rule has, which is said", () => {
    const came = [
      { ...rule, id: "web", priority: 2 },
      { ...rule, id: 7, priority: 3 },
      { ...rule, id: "new", priority: 4 },
    ];
    const { added, notes } = mergeRules(present, came);
    expect(added).toEqual([
      { ...rule, priority: 2 },
      { ...rule, priority: 3 },
      { ...rule, id: "new", priority: 4 },
    ]);
    expect(notes).toEqual([
      "the id web is another rule's here: the rule that came is without one",
      "the id 7 is another rule's here: the rule that came is without one",
    ]);
  });
});
