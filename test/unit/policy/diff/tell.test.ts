import { describe, expect, it } from "vitest";
import type { Model } from "../../../../src/model/model.ts";
import type { Extent } from "../../../../src/policy/diff/texts.ts";
import {
  group,
  type InterfaceText,
  model,
  network,
  nic,
  prefixList,
  type RuleText,
} from "../../../support/bed.ts";
import { tell } from "./support.ts";

const macOf = (number: number) => `02:00:00:00:01:${number.toString(16).padStart(2, "0")}`;
const eni = (number: number, groups: readonly string[], fields: Partial<InterfaceText> = {}) =>
  nic(`eni-${number}`, { mac: macOf(number), addresses: [`10.0.0.${number}`], groups, ...fields });

/** Three guests in sg-t, one in sg-other. */
function shop(
  rules: readonly RuleText[],
  fields: Parameters<typeof group>[1] = {},
  others: Partial<Model> = {},
): Model {
  const made = model({
    prefixLists: [prefixList("pl-a", 4, ["198.51.100.0/24"])],
    groups: [group("sg-t", { ...fields, rules }), group("sg-other", { innerAccess: "drop" })],
    interfaces: [1, 2, 3].map((number) => eni(number, ["sg-t"])).concat(eni(9, ["sg-other"])),
  });
  return { ...made, ...others };
}

/** "but …" is what is excepted. */
function say(extent: Extent): string {
  const { remotes, exceptRemotes, services, exceptServices, sourcePorts, locals, from, until } = extent;
  const but = (list: Extent["remotes"]) => (list.list.length === 0 ? "" : ` but ${list.list.join(", ")}`);
  return [
    `${services.list.join(", ")}${but(exceptServices)} with ${remotes.list.join(", ")}${but(exceptRemotes)}`,
    ...(sourcePorts === null ? [] : [`source ${sourcePorts.list.join(", ")}`]),
    ...(locals === null ? [] : [`local ${locals.list.join(", ")}`]),
    ...(from === null ? [] : [`from ${from}`]),
    ...(until === null ? [] : [`until ${until}`]),
  ].join("; ");
}

/** A line for each difference. */
function sayAll(before: Model, after: Model, now = 0): readonly string[] {
  return tell(before, after, now).differences.map(
    ({ interfaces, direction, before: old, after: fresh, packets }) => {
      const decided = ({ verdict, reason, rule }: typeof old) =>
        `${verdict} by ${rule === null ? reason : `${rule.group} ${rule.index}`}`;
      const what = packets.map(say).join(" | ");
      return `${direction} ${interfaces.join(" ")}: ${decided(old)} → ${decided(fresh)}: ${what}`;
    },
  );
}

const web: RuleText = { protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0" };
const strict = { innerAccess: "drop" } as const;

describe("a difference of verdicts", () => {
  it("is told once for all interfaces of a policy, with both deciding rules and every packet", () => {
    expect(sayAll(shop([web], strict), shop([], strict))).toEqual([
      "ingress eni-1 eni-2 eni-3: accept by sg-t 0 → drop by no-rule: tcp 80 with 0.0.0.0/0",
    ]);
  });

  it("comes with an example that the oracle confirms", () => {
    const { differences } = tell(shop([web], strict), shop([], strict));
    expect(differences[0]).toMatchObject({
      before: { verdict: "accept", rule: { group: "sg-t", index: 0 } },
      after: { verdict: "drop", reason: "no-rule" },
      example: {
        interface: "eni-1",
        direction: "ingress",
        protocol: "tcp",
        local: "10.0.0.1",
        localPort: 80,
        remote: "203.0.113.9",
        remotePort: 49152,
        time: null,
      },
    });
  });

  it("is none where rules are named, ordered or split otherwise and say the same", () => {
    const two: RuleText = { protocol: "tcp", ports: "443/443", remote: "10.1.0.0/16" };
    const halves = ["10.1.0.0/17", "10.1.128.0/17"].map((remote) => ({ ...two, remote }));
    expect(sayAll(shop([web, two]), shop([two, { ...web, id: "other", description: "the same" }]))).toEqual(
      [],
    );
    expect(sayAll(shop([two]), shop(halves))).toEqual([]);
  });

  it("is none for an accept that another one covers, or a drop that comes too late", () => {
    const narrow: RuleText = { ...web, remote: "10.1.0.0/16" };
    expect(sayAll(shop([web, narrow]), shop([web]))).toEqual([]);
    const late: RuleText = { ...web, policy: "drop", priority: 2 };
    expect(sayAll(shop([web]), shop([web, late]))).toEqual([]);
  });

  it("leaves out what another rule decides as before", () => {
    const block: RuleText = { protocol: "tcp", policy: "drop", remote: "198.51.100.0/24" };
    const open: RuleText = { ...web, ports: "80/90" };
    expect(sayAll(shop([web, block], strict), shop([open, block], strict))).toEqual([
      "ingress eni-1 eni-2 eni-3: drop by no-rule → accept by sg-t 0: tcp 81-90 with " +
        "0.0.0.0/0 but 198.51.100.0/24",
    ]);
  });

  it("shows a prefix list that grew", () => {
    const rules = [{ ...web, remote: "pl-a" }];
    const grown = new Map([["pl-a", prefixList("pl-a", 4, ["198.51.100.0/24", "192.0.2.4/30"])]]);
    expect(sayAll(shop(rules), shop(rules, {}, { prefixLists: grown }))).toEqual([
      "ingress eni-1 eni-2 eni-3: drop by no-rule → accept by sg-t 0: tcp 80 with 192.0.2.4/30",
    ]);
  });

  it("shows an address that enters a group, and the link-local one with it, wherever it is", () => {
    const rules: readonly RuleText[] = [{ ...web, remote: "sg-other" }];
    const before = shop(rules, strict);
    const fresh = eni(10, ["sg-other"], { hosts: ["elsewhere"] });
    const after = { ...before, interfaces: new Map([...before.interfaces, ["eni-10", fresh] as const]) };
    expect(sayAll(before, after)).toEqual([
      "ingress eni-1 eni-2 eni-3: drop by no-rule → accept by sg-t 0: " +
        "tcp 80 with 10.0.0.10/32 | tcp 80 with fe80::ff:fe00:10a/128",
    ]);
  });

  it("shows inner access that is taken away, between members alone", () => {
    const [first, ...others] = sayAll(shop([web]), shop([web], strict));
    expect(first).toBe(
      "ingress eni-1 eni-2 eni-3: accept by inner-access → drop by no-rule: all but tcp 80 with " +
        "10.0.0.1/32, 10.0.0.2/31 | all with fe80::ff:fe00:101/128, fe80::ff:fe00:102/127",
    );
    expect(others).toEqual([]);
  });

  it("shows a default of egress, of each family that the guest has", () => {
    expect(sayAll(shop([]), shop([], { defaultEgress: "drop", innerAccess: "drop" }))).toContain(
      "egress eni-1 eni-2 eni-3: accept by default-egress → drop by default-drop: all with 0.0.0.0/0 but " +
        "10.0.0.1/32, 10.0.0.2/31 | all with ::/0 but fe80::ff:fe00:101/128, fe80::ff:fe00:102/127",
    );
  });

  it("shows from when on a rule no longer holds, and not what is past", () => {
    const ends = (expires: number): RuleText => ({ ...web, expires });
    const now = Date.UTC(2026, 0, 1) / 1000;
    expect(sayAll(shop([web]), shop([ends(now + 60)]), now)).toEqual(
      [
        "ingress eni-1 eni-2 eni-3: accept by sg-t 0 → drop by no-rule: tcp 80 with 0.0.0.0/0; " +
          "from 2026-01-01T00:01:00.000Z",
      ].map((line) => line.replace("0.0.0.0/0;", "0.0.0.0/0 but 10.0.0.1/32, 10.0.0.2/31;")),
    );
    expect(sayAll(shop([web]), shop([ends(now + 60), web]), now)).toEqual([]);
    expect(sayAll(shop([]), shop([ends(now)]), now)).toEqual([]);
    const { differences } = tell(shop([web]), shop([ends(now + 60)]), now);
    expect(differences[0]?.example.time).toBe("2026-01-01T00:01:00.000Z");
  });

  it("shows what an observed group no longer lets pass, and none where it only counts", () => {
    const block: RuleText = { ...web, policy: "drop" };
    const observed = shop([block], { ...strict, mode: "observe" });
    expect(sayAll(shop([], { ...strict, mode: "observe" }), observed)).toEqual([]);
    const [line] = sayAll(
      observed,
      shop([block, { remote: "0.0.0.0/0", priority: 9 }, { remote: "::/0" }], strict),
    );
    expect(line).toBe("ingress eni-1 eni-2 eni-3: accept by sg-t 0 → drop by sg-t 0: tcp 80 with 0.0.0.0/0");
  });

  it("tells source ports, local prefixes and ICMP types where rules ask about them", () => {
    const five: RuleText = { ...web, sourcePorts: "1000/2000", local: "10.0.0.1/32" };
    const ping: RuleText = { protocol: "icmp", icmpType: 8, remote: "192.0.2.0/24" };
    expect(sayAll(shop([], strict), shop([five, ping], strict))).toEqual([
      "ingress eni-1 eni-2 eni-3: drop by no-rule → accept by sg-t 0: " +
        "tcp 80 with 0.0.0.0/0; source 1000-2000; local 10.0.0.1/32",
      "ingress eni-1 eni-2 eni-3: drop by no-rule → accept by sg-t 1: icmp type 8 with 192.0.2.0/24",
    ]);
  });

  it("of what a guest sends from a local prefix concerns only those that have such an address", () => {
    const rule: RuleText = {
      direction: "egress",
      policy: "drop",
      remote: "192.0.2.0/24",
      local: "10.0.0.2/31",
    };
    expect(sayAll(shop([]), shop([rule]))).toEqual([
      "egress eni-2 eni-3: accept by default-egress → drop by sg-t 0: all with 192.0.2.0/24; local 10.0.0.2/31",
    ]);
  });

  it("keeps networks with equal addresses apart", () => {
    const two = (inB: readonly string[]) =>
      model({
        networks: [network("vpc-a"), network("vpc-b")],
        groups: [
          group("sg-t", { ...strict, rules: [{ ...web, remote: "sg-t" }] }),
          group("sg-b", { ...strict, network: "vpc-b", rules: [{ ...web, remote: "sg-b" }] }),
          group("sg-c", { ...strict, network: "vpc-b" }),
        ],
        interfaces: [
          eni(1, ["sg-t"]),
          eni(2, ["sg-t"]),
          eni(3, ["sg-b"], { network: "vpc-b", addresses: ["10.0.0.1"] }),
          eni(4, inB, { network: "vpc-b", addresses: ["10.0.0.2"] }),
        ],
      });
    const lines = sayAll(two(["sg-b"]), two(["sg-c"]));
    expect(lines.filter((line) => /eni-[12]/.test(line))).toEqual([]);
    expect(lines.filter((line) => line.startsWith("ingress eni-3:"))).toHaveLength(1);
  });

  it("compares what this host enforces: neither other hosts nor interfaces that come or go", () => {
    const before = shop([web]);
    const moved = new Map(before.interfaces);
    moved.set("eni-1", eni(1, ["sg-t"], { hosts: ["elsewhere"] }));
    moved.delete("eni-2");
    moved.set("eni-4", eni(4, ["sg-other"]));
    const lines = sayAll(before, { ...before, interfaces: moved });
    expect(lines.filter((line) => /^\w+ [^:]*eni-[124]/.test(line))).toEqual([]);
  });
});
