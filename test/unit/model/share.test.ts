import { expect, it } from "vitest";
import { shareModel } from "../../../src/model/share.ts";
import { group, iface, model, network, prefixList, remote, tcp } from "../policy/compile-fixture.ts";

const build = (port: number, address = "10.0.0.2") =>
  model({
    networks: [network("vpc-a"), network("vpc-b")],
    prefixLists: [prefixList("pl-a", 4, ["192.0.2.0/24"])],
    groups: [group("sg-a", [tcp(80, 80, { remote: remote("pl-a") })]), group("sg-b", [tcp(port, port)])],
    interfaces: [iface(1, ["sg-a"], ["10.0.0.1"]), iface(2, ["sg-b"], [address])],
  });

it("what two models have in common is the same objects, and what they say stays", () => {
  const [before, after] = [build(443), build(444)];
  const shared = shareModel(before, after);
  expect(shared).toEqual(after);
  expect(shared.interfaces).toBe(before.interfaces);
  expect(shared.networks).toBe(before.networks);
  expect(shared.prefixLists).toBe(before.prefixLists);
  expect(shared.groups.get("sg-a")).toBe(before.groups.get("sg-a"));
  expect(shared.groups.get("sg-b")).toBe(after.groups.get("sg-b"));
});

it("a section with one other entry, one more, one less or another order is another section", () => {
  const before = build(443);
  const other = shareModel(before, build(443, "10.0.0.3"));
  expect(other.interfaces).not.toBe(before.interfaces);
  expect(other.interfaces.get("eni-1")).toBe(before.interfaces.get("eni-1"));
  for (const entries of [
    [...before.groups].slice(1),
    [...before.groups].reverse(),
    [...before.groups, ["sg-c", group("sg-c")] as const],
  ]) {
    const after = { ...build(443), groups: new Map(entries) };
    const { groups } = shareModel(before, after);
    expect(groups).not.toBe(before.groups);
    expect([...groups]).toEqual([...after.groups]);
  }
});
