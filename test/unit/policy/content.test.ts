import { describe, expect, it } from "vitest";
import type { Group, Interface, Rule } from "../../../src/model/model.ts";
import { compile } from "../../../src/policy/compile.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import { group, iface, model, prefix, remote, tcp } from "./compile-fixture.ts";
import { compileFirst } from "./compile-judge.ts";

describe("the digest of the content", () => {
  const base = {
    groups: [group("sg-a", [tcp(80, 80, { id: "r-1" }), tcp(81, 81)])],
    interfaces: [iface(1, ["sg-a"], ["10.0.0.1"])],
  };
  const digestOf = (parts: { groups: readonly Group[]; interfaces: readonly Interface[] }) =>
    compileFirst(model(parts)).content.join();
  const withRules = (rules: readonly Rule[], overrides: Partial<Group> = {}) => ({
    ...base,
    groups: [group("sg-a", rules, overrides)],
  });
  const first = tcp(80, 80, { id: "r-1" });
  const second = tcp(81, 81);

  it("is the same for the same policy, compiled alone or with others", () => {
    const resolved = resolve(model(base), { host: "kvm-1" });
    const [source] = resolved.policies.values();
    if (source === undefined) {
      throw new Error("the model has no policy");
    }
    expect(compile(source, resolved.identities).content.join()).toBe(digestOf(base));
  });

  it.each([
    ["a description", withRules([{ ...first, description: "web" }, second])],
    ["a place in a file", withRules([{ ...first, place: { file: "a.yaml", line: 3, column: 1 } }, second])],
    ["a rule that becomes a template's", withRules([first, { ...second, template: true }])],
    [
      "members of groups that it does not name",
      {
        ...base,
        groups: [...base.groups, group("sg-z")],
        interfaces: [...base.interfaces, iface(2, ["sg-z"], ["10.0.0.2"])],
      },
    ],
    [
      "another member of the same set",
      { ...base, interfaces: [...base.interfaces, iface(2, ["sg-a"], ["10.0.0.2"])] },
    ],
  ])("does not change with %s", (_name, parts) => {
    expect(digestOf(parts)).toBe(digestOf(base));
  });

  it.each([
    ["a rule's policy", withRules([{ ...first, policy: "drop" }, second])],
    ["a rule's id", withRules([{ ...first, id: "r-2" }, second])],
    ["a rule's port", withRules([tcp(80, 82, { id: "r-1" }), second])],
    ["a rule's priority", withRules([{ ...first, priority: 2 }, second])],
    ["two rules' order", withRules([second, first])],
    ["a rule's remote", withRules([{ ...first, remote: remote("0.0.0.0/1") }, second])],
    ["a rule's expiry", withRules([{ ...first, expires: 5 }, second])],
    ["a rule's local prefix", withRules([{ ...first, local: prefix("0.0.0.0/0") }, second])],
    ["a rule less", withRules([first])],
    ["the group's mode", withRules([first, second], { mode: "observe" })],
    ["the default of egress", withRules([first, second], { defaultEgress: "drop" })],
    ["inner access", withRules([first, second], { innerAccess: "drop" })],
    [
      "a new set of groups that it feels",
      {
        groups: [...base.groups, group("sg-z")],
        interfaces: [...base.interfaces, iface(2, ["sg-a", "sg-z"], ["10.0.0.2"])],
      },
    ],
  ] as const)("changes with %s", (_name, parts) => {
    expect(digestOf(parts)).not.toBe(digestOf(base));
  });
});
