import { describe, expect, it } from "vitest";
import { createSessionJudge, type LiveSession } from "../../../src/policy/session-judge.ts";
import { address, group, type InterfaceText, model, nic, type RuleText } from "../../support/bed.ts";
import { enforceable } from "./diff/support.ts";

const web: RuleText = { protocol: "tcp", ports: "80/80", remote: "198.51.100.0/24" };

function judgeUnder(rules: readonly RuleText[], fields: Partial<InterfaceText> = {}, now = 1000) {
  const guests = [
    nic("eni-1", { mac: "02:00:00:00:01:01", addresses: ["10.0.0.1"], groups: ["sg-t"], ...fields }),
    nic("eni-2", { mac: "02:00:00:00:01:02", addresses: ["10.0.0.2", "2001:db8::2"], groups: ["sg-m"] }),
  ];
  const groups = [
    group("sg-t", { innerAccess: "drop", defaultEgress: "drop", rules }),
    group("sg-m", { innerAccess: "drop" }),
  ];
  return createSessionJudge(enforceable(model({ groups, interfaces: guests })), now);
}

const session = (fields: Partial<LiveSession> = {}): LiveSession => ({
  interface: "eni-1",
  origin: "ingress",
  local: address("10.0.0.1"),
  remote: address("198.51.100.7"),
  protocol: 6,
  localPort: 80,
  remotePort: 50000,
  icmpType: 0,
  icmpCode: 0,
  ...fields,
});

describe("a live session under other rules", () => {
  it("goes on where they accept what opened it, else ends with their verdict", () => {
    expect(judgeUnder([web])(session())).toBeNull();
    expect(judgeUnder([])(session())).toEqual({ reason: "no-rule", rule: null });
    const block = { ...web, policy: "drop" as const, id: "block" };
    expect(judgeUnder([web, block])(session())).toMatchObject({
      reason: "rule",
      rule: { id: "block", index: 1 },
    });
  });

  it("is judged in its original direction, by the ports of the side that was asked", () => {
    const out: RuleText = { ...web, direction: "egress", ports: "443/443", sourcePorts: "1000/2000" };
    const asked = session({ origin: "egress", localPort: 1500, remotePort: 443 });
    expect(judgeUnder([out])(asked)).toBeNull();
    expect(judgeUnder([out])(session({ origin: "egress", localPort: 443, remotePort: 1500 }))).toEqual({
      reason: "default-drop",
      rule: null,
    });
    expect(judgeUnder([out])(session({ localPort: 443 }))).toEqual({ reason: "no-rule", rule: null });
  });

  it("is judged by the members of now: its peer may have left the group", () => {
    const peer = session({ remote: address("10.0.0.2") });
    expect(judgeUnder([{ ...web, remote: "sg-m" }])(peer)).toBeNull();
    expect(judgeUnder([{ ...web, remote: "sg-t" }])(peer)).toEqual({ reason: "no-rule", rule: null });
    const six = session({ remote: address("2001:db8::2"), local: address("2001:db8::1") });
    expect(judgeUnder([{ ...web, remote: "sg-m" }])(six)).toBeNull();
  });

  it("is judged by the type of its request where it is ICMP", () => {
    const ping: RuleText = { protocol: "icmp", icmpType: 8, remote: "198.51.100.0/24" };
    const asked = session({ protocol: 1, localPort: 7, remotePort: 7, icmpType: 8 });
    expect(judgeUnder([ping])(asked)).toBeNull();
    expect(judgeUnder([{ ...ping, icmpType: 13 }])(asked)).toEqual({ reason: "no-rule", rule: null });
  });

  it("ends where the rule that let it in has expired by now", () => {
    const short = { ...web, expires: 1000 };
    expect(judgeUnder([short], {}, 999)(session())).toBeNull();
    expect(judgeUnder([short], {}, 1000)(session())).toEqual({ reason: "no-rule", rule: null });
  });

  it("ends where its interface is no longer on this host", () => {
    expect(judgeUnder([web], { hosts: ["elsewhere"] })(session())).toEqual({
      reason: "not-ready",
      rule: null,
    });
    expect(judgeUnder([web])(session({ interface: "eni-gone" }))).toEqual({
      reason: "not-ready",
      rule: null,
    });
  });
});
