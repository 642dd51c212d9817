/** docs/semantics.md, "Sessions": what a change of the model does to them. */
import { plays, type Sentences } from "./rows.ts";
import type { Setting } from "./setting.ts";
import {
  alive,
  change,
  echo,
  echoReply,
  end,
  handshakeIn,
  handshakeOut,
  into,
  out,
  quoting,
  type Step,
  tcp,
  udp,
  unreachable,
  wait,
} from "./steps.ts";

const session = "accept session established";
const noRule = "drop no-rule";
const revoked = "drop revoked";

const dns: Setting = { rules: ["ingress accept udp 53/53 any"] };
const asked = udp("40000>53");
const answer = udp("53>40000");
const answered: readonly Step[] = [into(asked, "accept rule new"), out(answer, session)];

const ssh: Setting = { rules: ["ingress accept tcp 22/22 any"] };
const open40443: Setting = { rules: ["ingress accept tcp 40443/40443 any"] };
const sshIn = (flags: string) => tcp("50022>22", flags, { sequence: 1001, acknowledgement: 5001 });
const sshOut = (flags: string) => tcp("22>50022", flags, { sequence: 5001, acknowledgement: 1001 });

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
  "One that they no longer allow ends at its next packet": [
    plays("with the reason of the verdict of now: no rule", dns, [
      ...answered,
      change({}),
      out(answer, noRule),
      out(answer, revoked),
      into(asked, revoked),
    ]),
    plays("with the reason of the verdict of now: a rule, named", dns, [
      ...answered,
      change({ rules: [...(dns.rules ?? []), "ingress drop udp 53/53 peers"] }),
      into(asked, "drop rule none sg-t 1"),
      into(asked, revoked),
      into(asked, "accept rule new", { from: "far" }),
    ]),
    plays("asked by the guest: the default of egress", { group: { defaultEgress: "accept" } }, [
      out(udp("40000>53"), "accept default-egress new"),
      into(udp("53>40000"), session),
      change({ group: { defaultEgress: "drop" } }),
      into(udp("53>40000"), "drop default-drop"),
      out(udp("40000>53"), revoked),
    ]),
    plays(
      "what follows in either direction is dropped, though the other direction's rules would allow it",
      dns,
      [
        ...answered,
        change({ rules: ["egress accept all any"] }),
        into(asked, noRule),
        out(answer, revoked),
        out(udp("53>40001"), "accept rule new"),
      ],
    ),
    plays("until a later change allows its original direction again: it goes on", dns, [
      ...answered,
      change({}),
      into(asked, noRule),
      change({ rules: ["egress accept udp -1/-1 any"] }),
      out(answer, revoked),
      change(dns),
      out(answer, session),
      into(asked, session),
    ]),
    plays("also one that was closing: then a SYN begins a new one, with timeouts of its own", ssh, [
      ...handshakeIn(),
      into(sshIn("R"), session),
      change({}),
      out(sshOut("A"), noRule),
      change(ssh),
      into(tcp("50022>22", "S", { sequence: 9000 }), "accept rule new"),
      out(tcp("22>50022", "SA", { sequence: 7000, acknowledgement: 9001 }), session),
      into(tcp("50022>22", "A", { sequence: 9001, acknowledgement: 7001 }), session),
      wait(900),
      out(tcp("22>50022", "A", { sequence: 7001, acknowledgement: 9001 }), session),
    ]),
    plays("for UDP, until one timeout has passed since the revocation", dns, [
      ...answered,
      change({}),
      into(asked, noRule),
      wait(100),
      out(answer, revoked),
      wait(79.999),
      out(answer, revoked),
      wait(0.001),
      out(answer, "accept default-egress new"),
    ]),
    plays("for TCP, without end: a keepalive revives nothing", ssh, [
      ...handshakeIn(),
      change({}),
      out(sshOut("A"), noRule),
      wait(5000),
      out(sshOut("A"), revoked),
      into(sshIn("A"), revoked),
      wait(2000),
      out(sshOut("A"), revoked),
      change(ssh),
      out(sshOut("A"), session),
    ]),
    plays("for TCP, until a SYN is accepted by its own direction's rules", ssh, [
      ...handshakeIn(),
      change({}),
      into(sshIn("A"), noRule),
      into(tcp("50022>22", "S", { sequence: 9000 }), revoked),
      out(tcp("22>50022", "S", { sequence: 9000 }), "accept default-egress new"),
      into(tcp("50022>22", "SA", { sequence: 1, acknowledgement: 9001 }), session),
    ]),
    plays("the guest's own, until the peer's SYN is accepted: its rules decide from then on", open40443, [
      ...handshakeOut(),
      change({ rules: [...(open40443.rules ?? []), "egress drop tcp 443/443 any"] }),
      into(tcp("443>40443", "A", { sequence: 5001, acknowledgement: 1001 }), "drop rule none sg-t 1"),
      out(tcp("40443>443", "A", { sequence: 1001, acknowledgement: 5001 }), revoked),
      into(tcp("443>40443", "S", { sequence: 9000 }), "accept rule new sg-t 0"),
      out(tcp("40443>443", "SA", { sequence: 7000, acknowledgement: 9001 }), session),
      change({ rules: ["egress accept all any"] }),
      out(tcp("40443>443", "SA", { sequence: 7000, acknowledgement: 9001 }), noRule),
    ]),
    plays("gone is what was silent for its timeout meanwhile: nothing of it is revoked", ssh, [
      ...handshakeIn(),
      change({}),
      wait(910),
      out(sshOut("A"), "accept default-egress new"),
    ]),
  ],
  "What an operator ends": [
    plays("stays revoked, whatever changes, until a SYN is accepted by its own direction's rules", ssh, [
      ...handshakeIn(),
      end(),
      into(sshIn("A"), revoked),
      change({ rules: ["ingress accept tcp 22/22 any", "egress accept all any"] }),
      into(sshIn("A"), revoked),
      out(sshOut("A"), revoked),
      into(quoting(unreachable, { from: "me", to: "peer", body: sshOut("A") }), noRule),
      wait(5000),
      change(ssh),
      out(sshOut("A"), revoked),
      into(tcp("50022>22", "S", { sequence: 9000 }), "accept rule new"),
      out(tcp("22>50022", "SA", { sequence: 7000, acknowledgement: 9001 }), session),
    ]),
    plays("though it had no packet since the last change", ssh, [
      ...handshakeIn(),
      change({ rules: ["ingress accept tcp 22/23 any"] }),
      end(),
      into(sshIn("A"), revoked),
      out(sshOut("A"), revoked),
    ]),
    plays("though the rules had revoked it before, and allow it again", dns, [
      ...answered,
      change({}),
      into(asked, noRule),
      end(),
      change(dns),
      into(asked, revoked),
      wait(179.999),
      out(answer, revoked),
      wait(0.001),
      into(asked, "accept rule new"),
    ]),
    plays("an opening one, and ICMP; no other interface's", { rules: ["ingress accept all any"] }, [
      into(tcp("50022>22", "S", { sequence: 1000 }), "accept rule new"),
      into(echo(7), "accept rule new"),
      into(echo(7), "accept rule new", { on: "eni-2" }),
      end(),
      alive(0),
      into(echo(7), session, { on: "eni-2" }),
      out(tcp("22>50022", "SA", { sequence: 5000, acknowledgement: 1001 }), revoked),
      out(echoReply(7), revoked),
      into(echo(7), revoked),
      wait(60),
      into(echo(7), "accept rule new"),
    ]),
    plays(
      "under `keep`, too",
      ssh,
      [
        ...handshakeIn(),
        end(),
        into(sshIn("A"), revoked),
        change({ rules: ["ingress accept all any"] }),
        out(sshOut("A"), revoked),
        into(tcp("50022>22", "S", { sequence: 9000 }), "accept rule new"),
      ],
      { settings: { establishedSessions: "keep" } },
    ),
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
