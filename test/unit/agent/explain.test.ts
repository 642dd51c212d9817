import { describe, expect, it } from "vitest";
import { answerQuestion } from "../../../src/agent/explain.ts";
import type { Question } from "../../../src/agent/protocol.ts";
import { group, model, nic } from "../../support/bed.ts";

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
