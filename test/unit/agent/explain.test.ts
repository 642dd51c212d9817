import { describe, expect, it } from "vitest";
import { answerQuestion } from "../../../src/agent/explain.ts";
import type { Question } from "../../../src/agent/protocol.ts";
import { group, model, network, nic, prefixList } from "../../support/bed.ts";

const shop = model({
  groups: [
    group("sg-t", { defaultEgress: "drop", innerAccess: "drop" }),
    group("sg-vip", { rules: [{ protocol: "tcp", ports: "80/80", remote: "0.0.0.0/0" }] }),
  ],
  interfaces: [
    nic("eni-1", { mac: "02:00:00:00:00:01", addresses: ["10.0.0.1", "2001:db8::1"], instance: "i-1" }),
    nic("eni-2", {
      mac: "02:00:00:00:00:02",
      addresses: ["10.0.0.2"],
      groups: ["sg-vip"],
      pairs: [{ address: "10.0.0.100/32", mac: "00:00:5e:00:01:01" }],
    }),
    nic("eni-3", {
      mac: "02:00:00:00:00:03",
      addresses: ["10.0.0.3"],
      pairs: [{ address: "10.0.0.100/32" }, { address: "192.0.2.0/24" }],
      antiSpoofing: "observe",
    }),
  ],
});

const ask = async (question: Partial<Question> & { from: string; to: string }) => {
  const { sides, near, verdict } = await answerQuestion(shop, { protocol: "tcp", ...question }, null);
  return {
    said: sides.map((side) => `${side.interface} ${side.direction} ${side.verdict} ${side.reason}`),
    near,
    verdict,
  };
};

describe("explain answers for any packet", () => {
  const cases: readonly (readonly [
    string,
    Partial<Question> & { from: string; to: string },
    readonly string[],
  ])[] = [
    [
      "a DHCP client, which always works",
      { from: "eni-1", to: "255.255.255.255", protocol: "udp", port: 67, sourcePort: 68 },
      ["eni-1 egress accept dhcp"],
    ],
    [
      "a guest that plays a DHCP server",
      { from: "eni-1", to: "198.51.100.1", protocol: "udp", port: 68, sourcePort: 67 },
      ["eni-1 egress drop dhcp"],
    ],
    [
      "a redirect",
      { from: "eni-1", to: "198.51.100.1", protocol: "icmp", icmpType: 5 },
      ["eni-1 egress drop redirect"],
    ],
    [
      "a sender that is multicast",
      { from: "224.0.0.1", to: "eni-1", port: 80 },
      ["eni-1 ingress drop malformed"],
    ],
    [
      "what the rules are asked about",
      { from: "198.51.100.1", to: "eni-1", port: 80 },
      ["eni-1 ingress drop no-rule"],
    ],
  ];
  it.each(cases)("%s", async (_name, question, said) => {
    const answer = await ask(question);
    expect(answer.said).toEqual(said);
    expect(answer.near === undefined).toBe(!said.some((one) => one.endsWith("no-rule")));
  });

  it("names no rule as considered where none was asked", async () => {
    const asked = { from: "224.0.0.1", to: "eni-2", protocol: "tcp", port: 80, considered: true };
    const [side] = (await answerQuestion(shop, asked, null)).sides;
    expect(side).toMatchObject({ reason: "malformed", rule: null, considered: [] });
  });
});

describe("a question that cannot be meant", () => {
  const far = {
    ...shop,
    networks: new Map([...shop.networks, ["vpc-b", network("vpc-b")]]),
    prefixLists: new Map([["pl-a", prefixList("pl-a", 4, [])]]),
    interfaces: new Map([
      ...shop.interfaces,
      ["eni-b", nic("eni-b", { mac: "02:00:00:00:00:09", addresses: ["10.0.0.1"], network: "vpc-b" })],
    ]),
  };

  it.each([
    // 10.0.0.1 is eni-1's in eni-2's network.
    [
      "eni-b",
      "eni-2",
      "eni-b is in network vpc-b, eni-2 in vpc-a, and addresses of different networks never mix",
    ],
    ["pl-a", "eni-2", '"pl-a" is a prefix list'],
    ["010.0.0.1", "eni-2", "write `10.0.0.1`"],
    ["::ffff:10.0.0.1", "eni-2", "mapped into IPv6: write `10.0.0.1`"],
    ["fe80::1%eth0", "eni-2", "has a zone: write `fe80::1`"],
    ["10.0.0", "eni-2", "`10.0.0` is no address"],
    ["02:00:00:00:00:77", "eni-2", "is nothing that these rules know"],
  ])("from %s to %s says why", async (from, to, why) => {
    const asked = { from, to, protocol: "tcp", port: 80 };
    await expect(answerQuestion(far, asked, null)).rejects.toThrow(why);
    if (from === "eni-b")
      await expect(answerQuestion(far, { ...asked, from: to, to: from }, null)).rejects.toThrow("never mix");
  });
});

describe("the kernel's part of an answer", () => {
  const asked = { from: "eni-1", to: "eni-2", protocol: "tcp", port: 80 };
  const answer = { reason: "rule", session: "new", rule: null, ruleSide: "ingress", version: 1 } as const;

  it("names the end that was asked, where the other is on another host", async () => {
    const { kernel } = await answerQuestion(shop, asked, async (id) =>
      id === "eni-2" ? { ...answer, verdict: "accept" } : null,
    );
    const sides = [{ interface: "eni-2", direction: "ingress", verdict: "accept", reason: "rule" }];
    expect(kernel).toEqual({ verdict: "accept", agrees: true, sides });
  });

  it("is null where neither end is here", async () => {
    expect((await answerQuestion(shop, asked, async () => null)).kernel).toBeNull();
  });
});

describe("an address pair is its interface's own", () => {
  it("is judged at that interface, in both directions", async () => {
    expect((await ask({ from: "198.51.100.7", to: "192.0.2.9", port: 80 })).said).toEqual([
      "eni-3 ingress drop no-rule",
    ]);
    expect((await ask({ from: "192.0.2.9", to: "eni-2", port: 80 })).said).toEqual([
      "eni-3 egress drop default-drop",
      "eni-2 ingress accept rule",
    ]);
  });

  it("of several interfaces has to be named with one", async () => {
    await expect(ask({ from: "198.51.100.7", to: "10.0.0.100", port: 80 })).rejects.toThrow(
      "10.0.0.100 is an address pair of several interfaces: write eni-2@10.0.0.100 or eni-3@10.0.0.100",
    );
    expect((await ask({ from: "198.51.100.7", to: "eni-2@10.0.0.100", port: 80 })).said).toEqual([
      "eni-2 ingress accept rule",
    ]);
    // The pair's MAC goes with it: anti-spoofing finds nothing.
    expect((await ask({ from: "eni-2@10.0.0.100", to: "198.51.100.7", port: 80 })).said).toEqual([
      "eni-2 egress accept default-egress",
    ]);
  });

  it("goes with an address of its own, with a forged one, and with a multicast one that it receives", async () => {
    expect((await ask({ from: "eni-1@2001:db8::1", to: "2001:db8:f::1", port: 80 })).said).toEqual([
      "eni-1 egress drop default-drop",
    ]);
    expect((await ask({ from: "eni-1@10.0.0.9", to: "198.51.100.7", port: 80 })).said).toEqual([
      "eni-1 egress drop spoofed-address",
    ]);
    expect((await ask({ from: "198.51.100.7", to: "eni-2@224.0.0.251", port: 80 })).said).toEqual([
      "eni-2 ingress accept rule",
    ]);
    await expect(ask({ from: "eni-1@10.0.0", to: "eni-2", port: 80 })).rejects.toThrow("eni-1@10.0.0");
    await expect(ask({ from: "eni-9@10.0.0.9", to: "eni-2", port: 80 })).rejects.toThrow("eni-9");
  });
});
