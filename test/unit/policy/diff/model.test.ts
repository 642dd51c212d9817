import { describe, expect, it } from "vitest";
import { diffModels, isUnchanged } from "../../../../src/policy/diff/model.ts";
import type { RuleChange } from "../../../../src/policy/diff/rules.ts";
import { group, model, nic, prefixList, type RuleText } from "../../../support/bed.ts";

const web: RuleText = { protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0" };
const ssh: RuleText = { protocol: "tcp", ports: "22/22", remote: "10.0.0.0/8", id: "ssh" };

const withRules = (rules: readonly RuleText[]) =>
  model({ groups: [group("sg-t", { rules })], interfaces: [] });
const say = ({ change, before, after, fields }: RuleChange) =>
  `${change} ${before?.index ?? "-"} ${after?.index ?? "-"} ${fields.map((one) => `${one.field} ${one.before}>${one.after}`).join()}`;
const rulesOf = (before: readonly RuleText[], after: readonly RuleText[]) =>
  diffModels(withRules(before), withRules(after)).rules.map(say);

describe("rules that change", () => {
  it("are known by id: another content is a modified rule", () => {
    expect(rulesOf([ssh], [web, { ...ssh, ports: "2222/2222", priority: 5 }])).toEqual([
      "modified 0 1 portRange 22/22>2222/2222,priority null>5",
      "added - 0 ",
    ]);
  });

  it("are known by content without one: never by their place", () => {
    expect(rulesOf([web, ssh], [ssh, web])).toEqual([]);
    expect(rulesOf([web], [{ ...web, ports: "81/81" }])).toEqual(["removed 0 - ", "added - 0 "]);
  });

  it("are counted: the same rule twice is two", () => {
    expect(rulesOf([web, web], [web])).toEqual(["removed 1 - "]);
    expect(rulesOf([web], [web, web])).toEqual(["added - 1 "]);
  });

  it("that got or lost an id are the same", () => {
    const { id: _, ...nameless } = ssh;
    expect(rulesOf([nameless], [ssh])).toEqual([]);
    expect(rulesOf([ssh], [{ ...ssh, id: "other" }])).toEqual([]);
  });

  it("come with their place and the line of a rules file", () => {
    const place = { file: "rules.yaml", line: 7, column: 3 };
    const [change] = diffModels(withRules([]), withRules([{ ...ssh, place }])).rules;
    expect(change?.after).toEqual({
      id: "ssh",
      index: 0,
      place: "rules.yaml:7",
      text: "{id: ssh, direction: ingress, policy: accept, protocol: tcp, portRange: 22/22, remote: 10.0.0.0/8}",
    });
  });

  it("by description alone are told, too", () => {
    expect(rulesOf([ssh], [{ ...ssh, description: "admins" }])).toEqual([
      "modified 0 0 description null>admins",
    ]);
  });
});

describe("entries that change", () => {
  const base = model({
    prefixLists: [prefixList("pl-a", 4, ["10.0.0.0/8", "192.0.2.0/24"])],
    groups: [group("sg-a"), group("sg-b")],
    interfaces: [nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1"], groups: ["sg-a"] })],
  });

  it("are none for equal models, and for lists in another order", () => {
    const turned = {
      ...base,
      prefixLists: new Map([["pl-a", prefixList("pl-a", 4, ["192.0.2.0/24", "10.0.0.0/8"])]]),
    };
    expect(isUnchanged(diffModels(base, base))).toBe(true);
    expect(isUnchanged(diffModels(base, turned))).toBe(true);
  });

  it("are told key by key, and members by group", () => {
    const after = model({
      prefixLists: [],
      groups: [group("sg-a", { innerAccess: "drop" }), group("sg-b"), group("sg-c")],
      interfaces: [nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.2"], groups: ["sg-b"] })],
    });
    const diff = diffModels(base, after);
    expect(isUnchanged(diff)).toBe(false);
    expect(diff).toMatchObject({
      prefixLists: [{ id: "pl-a", change: "removed" }],
      groups: [
        {
          id: "sg-a",
          change: "modified",
          fields: [{ field: "innerAccess", before: "accept", after: "drop" }],
        },
        { id: "sg-c", change: "added" },
      ],
      members: [
        { group: "sg-a", entered: [], left: ["eni-1"] },
        { group: "sg-b", entered: ["eni-1"], left: [] },
      ],
      interfaces: [
        {
          id: "eni-1",
          change: "modified",
          fields: [
            { field: "addresses", before: "10.0.0.1", after: "10.0.0.2" },
            { field: "groups", before: "sg-a", after: "sg-b" },
          ],
        },
      ],
    });
  });
});
