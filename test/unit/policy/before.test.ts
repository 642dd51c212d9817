/** What an earlier model had in common with this one is taken over: the outcome is as if nothing had been before. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Model } from "../../../src/model/model.ts";
import { shareModel } from "../../../src/model/share.ts";
import { compileAll } from "../../../src/policy/compile.ts";
import { proveResolved } from "../../../src/policy/prove-source.ts";
import { resolve } from "../../../src/policy/resolve.ts";
import type { PolicySource } from "../../../src/policy/types.ts";
import { arbitraryModel } from "../../support/arbitrary-model.ts";
import { seed } from "../../support/seed.ts";
import { group, iface, model, network, prefixList, remote, tcp } from "./compile-fixture.ts";

const host = "here";

interface Parts {
  readonly port?: number;
  readonly list?: string;
  readonly type?: "vpc" | "classic";
  readonly groupsOfTwo?: readonly string[];
  readonly mode?: "enforce" | "observe";
}

const build = ({
  port = 443,
  list = "192.0.2.0/24",
  type = "vpc",
  groupsOfTwo = ["sg-b"],
  mode = "enforce",
}: Parts) =>
  model({
    networks: [network("vpc-a", { type })],
    prefixLists: [prefixList("pl-a", 4, [list])],
    groups: [
      group("sg-a", [tcp(80, 80, { remote: remote("pl-a") }), tcp(81, 81, { remote: remote("sg-b") })]),
      group("sg-b", [tcp(port, port)], { mode }),
    ],
    interfaces: [
      iface(1, ["sg-a"], ["10.0.0.1"]),
      iface(2, groupsOfTwo, ["10.0.0.2"]),
      iface(3, ["sg-a", "sg-b"], ["10.0.0.3"]),
    ],
  });

/** Both ways of going to `after`; throws where they differ. */
function go(from: Model, to: Model) {
  const after = shareModel(from, to);
  const first = resolve(from, { host });
  const before = { resolved: first, policies: compileAll(first) };
  const resolved = resolve(after, { host, before: first });
  const policies = compileAll(resolved, before);
  const anew = resolve(to, { host });
  expect({ ...resolved, model: null }).toEqual({ ...anew, model: null });
  expect([...policies]).toEqual([...compileAll(anew)]);
  expect(proveResolved(resolved, host, first)).toBeNull();
  return { before, resolved, policies };
}

describe("what was made of an earlier model", () => {
  it("is taken over for policies whose groups are the same", () => {
    const { before, policies } = go(build({}), build({ port: 444 }));
    const kept = [...policies].filter(([key, policy]) => before.policies.get(key) === policy);
    expect(kept.map(([, { source }]) => source.groups)).toEqual([["sg-a"]]);
  });

  it("is taken over whole where nothing differs", () => {
    const { before, resolved, policies } = go(build({}), build({}));
    expect(resolved.addresses).toBe(before.resolved.addresses);
    expect(resolved.interfaces).toBe(before.resolved.interfaces);
    expect([...policies].every(([key, policy]) => before.policies.get(key) === policy)).toBe(true);
  });

  for (const [what, parts] of Object.entries({
    "a prefix list": { list: "198.51.100.0/24" },
    "a network": { type: "classic" },
    "who is in a group": { groupsOfTwo: ["sg-a"] },
    "a new set of groups": { groupsOfTwo: ["sg-b", "sg-a"] },
    "a mode": { mode: "observe" },
  } satisfies Record<string, Parts>))
    it(`is not taken over where ${what} differs`, () => {
      go(build({}), build(parts));
      go(build(parts), build({}));
    });

  it("makes no difference between any two models", () => {
    fc.assert(
      fc.property(arbitraryModel(), arbitraryModel(), (from, to) => void go(from, to)),
      { seed, numRuns: 60 },
    );
  });
});

it("a policy of other rules is not proven by having been there before", () => {
  const [from, to] = [build({}), build({ port: 444 })];
  const before = resolve(from, { host });
  // As a resolver would that keeps a policy whose group has changed.
  const wrong = { ...resolve(shareModel(from, to), { host }), policies: before.policies };
  expect(proveResolved(wrong, host, before)).not.toBeNull();
  const strangers = {
    ...resolve(shareModel(from, build({ groupsOfTwo: ["sg-a"] })), { host }),
    addresses: before.addresses,
    identities: before.identities,
  };
  expect(proveResolved(strangers, host, before)).not.toBeNull();
});

it("interfaces that are the same do not prove policies that are not theirs", () => {
  const before = resolve(build({}), { host });
  const resolved = resolve(shareModel(before.model, build({ port: 444 })), { host, before });
  expect(resolved.interfaces).toBe(before.interfaces);
  const [[first, one], [second, two]] = [...resolved.policies] as [
    [bigint, PolicySource],
    [bigint, PolicySource],
  ];
  const swapped = new Map(resolved.policies).set(first, two).set(second, one);
  expect(proveResolved({ ...resolved, policies: swapped }, host, before)).toMatch(/that of other groups/);
  const left = new Map(resolved.policies);
  left.delete(first);
  expect(proveResolved({ ...resolved, policies: left }, host, before)).toBe("eni-1 has no policy");
});
