/** docs/semantics.md, "Sessions": what a change of the model does to them. */
import { answer, answered, asked, dns, noRule, session, ssh, sshIn, sshOut } from "./change-flows.ts";
import { plays, type Sentences } from "./rows.ts";
import type { Setting } from "./setting.ts";
import { change, echo, echoReply, handshakeIn, handshakeOut, into, out, tcp, udp, wait } from "./steps.ts";

/** eni-3 may ask for a name while it is in sg-c, and the list holds the peer. */
function members(groups: readonly string[], list: readonly string[]): Setting {
  return {
    rules: ["ingress accept udp 53/53 sg-c", "ingress accept udp 53/53 pl-a"],
    groups: { "sg-c": {}, "sg-d": {} },
    nics: { "eni-3": { groups } },
    lists: { "pl-a": list },
  };
}

/** eni-2 is in sg-y, which the rules name, and in another group. */
const elsewhere = (group: string) => ({
  rules: ["ingress accept udp 53/53 sg-y"],
  groups: { "sg-y": {}, "sg-a": {}, "sg-b": {} },
  mate: { groups: ["sg-y", group] },
  nics: { "eni-3": { groups: ["sg-y", "sg-b"] }, "eni-4": { groups: ["sg-b"] } },
});

export const changeRows: Sentences = {
  "**Change of rules, groups, members, lists**": [
    plays("by the same rule in another place, by another rule, by inner access", dns, [
      ...answered,
      change({ rules: ["ingress drop tcp 1/1 any", "ingress accept udp 53/53 any description=moved"] }),
      into(asked, session),
      change({ rules: ["ingress accept udp 50/60 peers"] }),
      into(asked, session),
      out(answer, session),
      change({
        rules: ["ingress accept all peer"],
        groups: { "sg-new": {} },
        nic: { groups: ["sg-new", "sg-t"] },
      }),
      out(answer, session),
      into(asked, session),
      into(udp("40000>54"), "accept rule new"),
      into(asked, noRule, { from: "far" }),
    ]),
    plays("a TCP session in the middle of its handshake", ssh, [
      into(tcp("50022>22", "S", { sequence: 1000 }), "accept rule new"),
      change({ rules: ["ingress accept tcp 22/23 any"] }),
      out(tcp("22>50022", "SA", { sequence: 5000, acknowledgement: 1001 }), session),
      change({ rules: ["ingress accept all any"] }),
      into(sshIn("A"), session),
      wait(900),
      out(sshOut("A"), session),
      change({}),
      into(sshIn("A"), noRule),
    ]),
    plays("members and lists: who stays goes on, who leaves ends", members(["sg-c"], ["peer", "peer2"]), [
      into(asked, "accept rule new", { from: "third" }),
      into(asked, "accept rule new"),
      into(asked, "accept rule new", { from: "peer2" }),
      change(members(["sg-d", "sg-c"], ["peer"])),
      into(asked, session, { from: "third" }),
      into(asked, session),
      into(asked, noRule, { from: "peer2" }),
      change(members(["sg-d"], ["peer"])),
      into(asked, noRule, { from: "third" }),
      into(asked, session),
    ]),
  ],
  "`keep` lets sessions run to their end.": [
    plays(
      "and judges what opens by the new rules",
      dns,
      [
        ...answered,
        change({}),
        into(asked, session),
        out(answer, session),
        into(udp("40001>53"), noRule),
        wait(180),
        into(asked, noRule),
      ],
      { settings: { establishedSessions: "keep" } },
    ),
    plays(
      "TCP too, until it closes",
      ssh,
      [
        ...handshakeIn(),
        change({ rules: ["ingress drop all any"], group: { defaultEgress: "drop" } }),
        into(sshIn("A"), session),
        out(sshOut("R"), session),
        wait(10),
        into(sshIn("A"), "drop rule"),
      ],
      { settings: { establishedSessions: "keep" } },
    ),
    plays(
      "and ICMP, both ways",
      { rules: ["ingress accept icmp -1/-1 any"] },
      [
        into(echo(7), "accept rule new"),
        out(echoReply(7), session),
        change({ rules: ["ingress drop all any"], group: { defaultEgress: "drop" } }),
        into(echo(7), session),
        out(echoReply(7), session),
        out(echo(7), "drop default-drop"),
        into(echo(8), "drop rule"),
        wait(60),
        into(echo(7), "drop rule"),
      ],
      { settings: { establishedSessions: "keep" } },
    ),
  ],
  "A change is atomic for each interface": [
    plays("rules, groups, members and lists that change together are seen together", swap(true), [
      into(asked, "accept rule new", { from: "third" }),
      into(asked, noRule, { from: "fourth" }),
      into(asked, "accept rule new"),
      into(asked, noRule, { from: "peer2" }),
      change(swap(false)),
      into(udp("40001>53"), noRule, { from: "third" }),
      into(udp("40001>53"), "accept rule new", { from: "fourth" }),
      into(udp("40001>53"), noRule),
      into(udp("40001>53"), "accept rule new", { from: "peer2" }),
      change(swap(true)),
      into(udp("40002>53"), "accept rule new", { from: "third" }),
      into(udp("40002>53"), noRule, { from: "fourth" }),
    ]),
    plays(
      "a member that changes other groups stays what it is to rules that do not name them",
      elsewhere("sg-a"),
      [
        into(asked, "accept rule new sg-t 0", { from: "mate" }),
        change(elsewhere("sg-b")),
        into(udp("40001>53"), "accept rule new sg-t 0", { from: "mate" }),
        into(udp("40001>53"), "accept rule new sg-t 0", { from: "third" }),
        into(udp("40001>53"), noRule, { from: "fourth" }),
      ],
    ),
    plays("an address that changes its owner stands for the one group or the other", owner("eni-3"), [
      into(asked, "accept rule new sg-t 0", { from: "vip" }),
      change(owner("eni-4")),
      into(udp("40001>53"), "drop rule none sg-t 1", { from: "vip" }),
      into(asked, "drop rule none sg-t 1", { from: "vip" }),
      change(owner("eni-3")),
      into(asked, session, { from: "vip" }),
    ]),
    plays("a session opened by a change's old rules is known to the new ones", { rules: [] }, [
      ...handshakeOut(),
      change(dns),
      into(tcp("443>40443", "A", { sequence: 5001, acknowledgement: 1001 }), session),
      into(tcp("444>40443", "A", { sequence: 5001, acknowledgement: 1001 }), noRule),
    ]),
  ],
};

/** The rule names the other group, its member is the other interface, and the list holds the other peer. */
function swap(first: boolean): Setting {
  return {
    group: { innerAccess: "drop" },
    rules: [`ingress accept udp 53/53 ${first ? "sg-c" : "sg-d"}`, "ingress accept udp 53/53 pl-a"],
    groups: { "sg-c": {}, "sg-d": {} },
    nics: {
      "eni-3": { groups: [first ? "sg-c" : "sg-t"] },
      "eni-4": { groups: [first ? "sg-t" : "sg-d"] },
    },
    lists: { "pl-a": [first ? "peer" : "peer2"] },
  };
}

function owner(id: "eni-3" | "eni-4"): Setting {
  const addressesOf = (own: string): readonly string[] =>
    own === id ? ["vip"] : [own === "eni-3" ? "third" : "fourth"];
  return {
    group: { innerAccess: "drop" },
    rules: ["ingress accept udp 53/53 sg-c", "ingress drop udp 53/53 sg-d"],
    groups: { "sg-c": {}, "sg-d": {} },
    nics: {
      "eni-3": { groups: ["sg-c"], addresses: addressesOf("eni-3") },
      "eni-4": { groups: ["sg-d"], addresses: addressesOf("eni-4") },
    },
  };
}
