import { plays, type Sentences } from "./rows.ts";
import { change, into, out, syn, tcp, udp, wait } from "./steps.ts";

const opened = "accept default-egress new";
const session = "accept session established";
const noRule = "drop no-rule";

const ssh = { rules: ["ingress accept tcp 22/22 any"] };
const sshIn = (flags: string, sequence: number, acknowledgement: number, length = 0) =>
  tcp("50022>22", flags, { sequence, acknowledgement, length });
const sshOut = (flags: string, sequence: number, acknowledgement: number, length = 0) =>
  tcp("22>50022", flags, { sequence, acknowledgement, length });

export const midstreamRows: Sentences = {
  "**`midstream`**: a TCP packet without a session": [
    plays(
      "from the guest first as an answer: its original direction is ingress, and the rules can end it",
      ssh,
      [
        out(sshOut("A", 5001, 1001, 10), "accept rule new sg-t 0"),
        into(sshIn("A", 1001, 5011), session),
        change({}),
        out(sshOut("A", 5011, 1001), noRule),
        into(sshIn("A", 1001, 5011), "drop revoked"),
      ],
    ),
    plays(
      "as an answer also by source ports, and by inner access",
      {
        rules: ["ingress accept tcp 22/22 peers sourcePortRange=50022/50022"],
        group: { defaultEgress: "drop" },
      },
      [
        out(sshOut("A", 5001, 1001), "accept rule new sg-t 0"),
        out(tcp("22>50023", "A"), "drop default-drop"),
        out(tcp("23>50022", "A"), "drop default-drop"),
        out(tcp("22>50024", "A"), "accept inner-access new", { to: "mate" }),
      ],
    ),
    plays("otherwise by the rules of its own direction", ssh, [
      out(tcp("40443>443", "A", { length: 1 }), opened),
      into(tcp("443>40443", "A"), session),
      change({ group: { defaultEgress: "drop" } }),
      out(tcp("40443>443", "A"), "drop default-drop"),
    ]),
    plays("to the guest by the ingress rules, never as an answer", ssh, [
      into(sshIn("A", 1001, 5001), "accept rule new sg-t 0"),
      into(tcp("443>40443", "A"), noRule),
    ]),
    plays("opening until both ends have acknowledged", ssh, [
      into(sshIn("A", 1001, 5001, 10), "accept rule new"),
      wait(30),
      into(sshIn("A", 1001, 5001, 10), "accept rule new"),
      out(sshOut("A", 5001, 1011), session),
      into(sshIn("A", 1011, 5001), session),
      wait(909),
      into(sshIn("A", 1011, 5001), session),
    ]),
    plays("a FIN too is picked up", ssh, [
      into(sshIn("FA", 1001, 5001), "accept rule new"),
      out(tcp("22>50099", "FA"), "accept rule new"),
      into(tcp("50099>23", "FA"), noRule),
    ]),
    plays("a SYN-ACK or RST is judged and makes no session", ssh, [
      into(sshIn("SA", 1, 2), "accept rule none"),
      into(sshIn("R", 1, 2), "accept rule none"),
      out(sshOut("SA", 1, 2), "accept rule none"),
      out(tcp("1>2", "RA"), "accept default-egress none"),
      out(tcp("1>2", "SA"), "accept default-egress none"),
      into(tcp("2>1", "A"), noRule),
      into(tcp("1>23", "SA"), noRule),
      into(tcp("1>23", "R"), noRule),
    ]),
    plays(
      "under `drop` none passes, and a SYN opens as ever",
      ssh,
      [
        out(sshOut("A", 5001, 1001), "drop midstream"),
        into(sshIn("A", 1001, 5001), "drop midstream"),
        into(sshIn("SA", 1, 2), "drop midstream"),
        out(tcp("1>2", "R"), "drop midstream"),
        into(syn(22), "accept rule new"),
        into(tcp("40443>22", "A"), session),
        out(udp("1>2"), opened),
      ],
      { settings: { midstream: "drop" } },
    ),
  ],
};
