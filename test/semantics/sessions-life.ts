/** docs/semantics.md, "Sessions": who belongs to one, and how long it lives. */
import { expect } from "vitest";
import { defaultConfig, parseConfig } from "../../src/agent/config.ts";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { does, plays, type Sentences } from "./rows.ts";
import {
  type Body,
  echo,
  echoReply,
  handshakeIn,
  handshakeOut,
  into,
  out,
  protocol,
  type Step,
  syn,
  tcp,
  udp,
  wait,
} from "./steps.ts";

const opened = "accept default-egress new";
const session = "accept session established";
const noRule = "drop no-rule";

/** An answer passes just before the timeout, and no more once it has passed in silence. */
function livesFor(seconds: number, before: readonly Step[], answer: Body): readonly Step[] {
  return [...before, wait(seconds - 0.001), into(answer, session), wait(seconds), into(answer, noRule)];
}

const answer53 = udp("53>40000");
const asked53 = out(udp("40000>53"), opened);
const dataIn = tcp("443>40443", "A", { sequence: 5001, acknowledgement: 1001, length: 10 });
const closeBoth: readonly Step[] = [
  out(tcp("40443>443", "FA", { sequence: 1001, acknowledgement: 5001 }), session),
  into(tcp("443>40443", "FA", { sequence: 5001, acknowledgement: 1002 }), session),
];

const lives: Readonly<Record<string, readonly Step[]>> = {
  "TCP established 910": livesFor(910, handshakeOut(), dataIn),
  "TCP opening 30": [
    out(syn(443), opened),
    wait(30),
    into(tcp("443>40443", "SA", { sequence: 5000, acknowledgement: 1 }), noRule),
    out(syn(443), opened),
    wait(29.999),
    into(tcp("443>40443", "SA", { sequence: 5000, acknowledgement: 1 }), session),
  ],
  "TCP closing 10": livesFor(10, [...handshakeOut(), ...closeBoth], dataIn),
  "UDP unreplied 30": [
    asked53,
    wait(30),
    into(answer53, noRule),
    asked53,
    wait(29.999),
    into(answer53, session),
  ],
  "UDP replied 180": livesFor(180, [asked53, into(answer53, session)], answer53),
  "ICMP 60": livesFor(60, [out(echo(7), opened)], echoReply(7)),
  "others 300, GRE one of them": livesFor(300, [out(protocol(47), opened)], protocol(47)),
  "others 300, ESP": livesFor(300, [out(protocol(50), opened)], protocol(50)),
};

const short = {
  tcpEstablished: 50,
  tcpOpening: 4,
  tcpClosing: 2,
  udpReplied: 9,
  udpUnreplied: 5,
  icmp: 3,
  others: 7,
};

function configOf(timeouts: object) {
  return parseConfig({ path: "agent.yaml", text: JSON.stringify({ timeouts }) });
}

export const lifeOfSessions: Sentences = {
  "Stateful: a packet that belongs to a session": [
    plays(
      "asked by the guest: both directions pass, with a group that lets nothing else out",
      {
        rules: ["egress accept udp 53/53 peers"],
        group: { defaultEgress: "drop" },
      },
      [
        out(udp("40000>53"), "accept rule new"),
        into(answer53, session),
        out(udp("40000>53"), session),
        into(udp("53>40001"), noRule),
        into(answer53, noRule, { from: "peer2" }),
        out(udp("40000>54"), "drop default-drop"),
      ],
    ),
    plays(
      "asked by the peer: the answer needs no egress rule",
      {
        rules: ["ingress accept tcp 22/22 any"],
        group: { defaultEgress: "drop" },
      },
      [
        ...handshakeIn(),
        out(tcp("22>50022", "A", { sequence: 5001, acknowledgement: 1001 }), session),
        out(tcp("22>50023", "A", { sequence: 5001, acknowledgement: 1001 }), "accept rule new"),
        out(syn(22), "drop default-drop"),
      ],
    ),
    plays("protocols without ports by their addresses", {}, [
      out(protocol(47), opened),
      into(protocol(47), session),
      into(protocol(50), noRule),
      into(protocol(47), noRule, { from: "peer2" }),
    ]),
  ],
  "Each protected end approves for itself": [
    plays(
      "a guest that meets itself behind a router's NAT is asker and asked, each by its own direction",
      { rules: ["ingress accept tcp 80/80 peers"] },
      [
        out(tcp("40443>80", "S", { sequence: 1000 }), opened),
        into(tcp("50001>80", "S", { sequence: 1000 }), "accept rule new", { from: "peer2" }),
        out(tcp("80>50001", "SA", { sequence: 5000, acknowledgement: 1001 }), session, { to: "peer2" }),
        into(tcp("80>40443", "SA", { sequence: 5000, acknowledgement: 1001 }), session),
        into(tcp("50001>81", "S", { sequence: 1000 }), noRule, { from: "peer2" }),
      ],
    ),
    plays("what the sender's end has approved is new to the receiver's", { group: { innerAccess: "drop" } }, [
      out(udp("1000>2000"), opened, { to: "mate" }),
      into(udp("1000>2000"), noRule, { on: "eni-2", from: "me" }),
      out(udp("2000>1000"), opened, { on: "eni-2", to: "me" }),
      into(udp("2000>1000"), session, { from: "mate" }),
    ]),
    plays(
      "a SYN-ACK from an end that saw no SYN is judged there by its rules",
      {
        group: { innerAccess: "drop" },
        groups: { "sg-b": { defaultEgress: "drop" } },
        mate: { groups: ["sg-b"] },
      },
      [
        out(tcp("1000>80", "S"), opened, { to: "mate" }),
        out(tcp("80>1000", "SA", { acknowledgement: 1 }), "drop default-drop", { on: "eni-2", to: "me" }),
        into(tcp("80>1000", "SA", { acknowledgement: 1 }), session, { from: "mate" }),
      ],
    ),
  ],
  "An answer from another address than the one asked": [
    plays(
      "asked by multicast",
      {},
      [
        out(udp("5353>5353"), opened, { to: "224.0.0.251" }),
        into(udp("5353>5353"), noRule),
        out(udp("5353>5353"), opened),
        into(udp("5353>5353"), session),
      ],
      { families: [4] },
    ),
    plays(
      "asked by IPv6 multicast",
      {},
      [
        out(udp("5353>5353"), opened, { to: "ff02::fb" }),
        into(udp("5353>5353"), noRule),
        out(udp("5353>5353"), opened),
        into(udp("5353>5353"), session),
      ],
      { families: [6] },
    ),
    plays(
      "asked by broadcast",
      {},
      [
        out(udp("137>137"), opened, { to: "255.255.255.255" }),
        into(udp("137>137"), noRule),
        out(udp("137>137"), opened),
        into(udp("137>137"), session),
      ],
      { families: [4] },
    ),
    plays("asked at another unicast address", {}, [
      out(udp("4000>53"), opened, { to: "peer" }),
      into(udp("53>4000"), noRule, { from: "peer2" }),
      into(udp("53>4000"), session, { from: "peer" }),
    ]),
  ],
  "A session ends when idle for its timeout.": [
    plays("packets of either direction keep it", {}, [
      asked53,
      into(answer53, session),
      wait(179),
      into(answer53, session),
      wait(179),
      out(udp("40000>53"), session),
      wait(179),
      into(answer53, session),
      wait(180),
      into(answer53, noRule),
    ]),
    plays("what comes after it opens anew, by the rules", {}, [
      asked53,
      wait(30),
      asked53,
      wait(29),
      into(answer53, session),
      wait(300),
      into(answer53, noRule),
    ]),
  ],
  "No timeout exceeds **910 s**.": [
    plays("nothing idle for 910 s is a session", {}, [
      ...handshakeOut(),
      out(protocol(47), opened),
      wait(910),
      into(dataIn, noRule),
      into(protocol(47), noRule),
      out(protocol(47), opened),
    ]),
    does("of the defaults the greatest is 910", () => {
      expect(Math.max(...Object.values(defaultSettings.timeouts))).toBe(910);
    }),
  ],
  "Defaults: TCP established 910": [
    ...Object.entries(lives).map(([name, steps]) => plays(name, {}, steps)),
    does("what an empty agent.yaml says", () => {
      expect(defaultConfig().timeouts).toEqual({
        tcpEstablished: 910,
        tcpOpening: 30,
        tcpClosing: 10,
        udpUnreplied: 30,
        udpReplied: 180,
        icmp: 60,
        others: 300,
      });
    }),
  ],
  "All configurable, each at most 910.": [
    plays(
      "others, ICMP and both of UDP",
      {},
      [
        ...livesFor(7, [out(protocol(47), opened)], protocol(47)),
        ...livesFor(3, [out(echo(1), opened)], echoReply(1)),
        ...livesFor(9, [asked53, into(answer53, session)], answer53),
        out(udp("1>2"), opened),
        wait(5),
        into(udp("2>1"), noRule),
      ],
      { settings: { timeouts: short } },
    ),
    plays(
      "all of TCP",
      {},
      [
        ...livesFor(50, handshakeOut(), dataIn),
        ...handshakeOut(opened, "40444>443"),
        out(tcp("40444>443", "R", { sequence: 1001 }), session),
        wait(2),
        into(tcp("443>40444", "A", { sequence: 5001, acknowledgement: 1001 }), noRule),
        out(syn(443, 40445), opened),
        wait(4),
        into(tcp("443>40445", "SA", { acknowledgement: 1 }), noRule),
      ],
      { settings: { timeouts: short } },
    ),
    ...Object.keys(short).map((timeout) =>
      does(`${timeout}: 910 is taken, 911 and 0 are refused, by name`, () => {
        expect(configOf({ [timeout]: 910 }).diagnostics).toEqual([]);
        for (const seconds of [911, 0]) {
          const { config, diagnostics } = configOf({ [timeout]: seconds });
          expect(config).toBeNull();
          expect(diagnostics.map(({ message }) => message)).toEqual([expect.stringContaining(timeout)]);
        }
      }),
    ),
  ],
};
