/** C06 and C07: resets that nobody believes, and ports that are used again. */
import { plays } from "../semantics/rows.ts";
import { alive, change, handshakeOut, into, out, type Step, tcp, wait } from "../semantics/steps.ts";
import { gets, testCases } from "./played.ts";

const strayReset =
  "0200000001010200000000010800450000280006000040068e3bc6336450c000020b01bb9dfb35a4e900000000005004000004f60000";
const data =
  "0200000001010200000000010800450000320007000040068e30c6336450c000020b01bb9dfb00001389000003e95018ffffe83e00007374696c6c2068657265";

const ofIpv4 = { families: [4] } as const;
const passed = "accept session established";
const stray = gets(strayReset, passed);
const arrives = gets(data, passed);
const isGone = gets(data, "drop no-rule");
const fromServer = (flags: string, sequence: number, acknowledgement = 0): Step =>
  into(tcp("443>40443", flags, { sequence, acknowledgement }), passed);
const fromGuest = (flags: string, sequence: number, acknowledgement = 0): Step =>
  out(tcp("40443>443", flags, { sequence, acknowledgement }), passed);

/** ssh from 198.51.100.5 (in IPv6 from its like). */
const ssh = { rules: ["ingress accept tcp 22/22 peers"] };
const asks = (flags: string, sequence: number, acknowledgement: number, expected: string): Step =>
  into(tcp("50022>22", flags, { sequence, acknowledgement, length: flags === "PA" ? 5 : 0 }), expected);
const answers = (flags: string, sequence: number, acknowledgement: number, expected = passed): Step =>
  out(tcp("22>50022", flags, { sequence, acknowledgement }), expected);
const lifeAndClose: readonly Step[] = [
  asks("S", 100, 0, "accept rule new"),
  answers("SA", 700, 101),
  asks("A", 101, 701, passed),
  asks("PA", 101, 701, passed),
  answers("A", 701, 106),
  asks("FA", 106, 701, passed),
  answers("FA", 701, 107),
  asks("A", 107, 702, passed),
];

testCases({
  "C06: a reset with a wrong sequence number": [
    plays(
      "R passes and changes nothing: D passes 11 s later, and again after 899 s of silence",
      {},
      [handshakeOut(), stray, wait(11), arrives, wait(899), stray, wait(9), arrives, alive(1)],
      ofIpv4,
    ),
    plays(
      "the exact one closes: 10 s later the session is gone",
      {},
      [handshakeOut(), stray, arrives, fromServer("R", 5011), wait(9), arrives, wait(11), isGone, alive(0)],
      ofIpv4,
    ),
    plays(
      "a FIN with a wrong sequence changes nothing",
      {},
      [
        handshakeOut(),
        fromServer("FA", 900_000, 1001),
        fromGuest("FA", 1001, 5001),
        wait(500),
        arrives,
        alive(1),
      ],
      ofIpv4,
    ),
    plays(
      "a right one half-closes, and the second one closes",
      {},
      [
        handshakeOut(),
        fromGuest("FA", 1001, 5001),
        wait(500),
        arrives,
        fromServer("FA", 5011, 1002),
        wait(11),
        isGone,
        alive(0),
      ],
      ofIpv4,
    ),
  ],
  "C07: the same ports again, right after the close": [
    plays("a SYN opens a new session, judged by the rules, with timeouts of its own", ssh, [
      ...lifeAndClose,
      wait(1),
      asks("S", 90_000, 0, "accept rule new"),
      answers("SA", 40, 90_001),
      asks("A", 90_001, 41, passed),
      wait(60),
      asks("PA", 90_001, 41, passed),
      alive(1),
    ]),
    plays("a SYN-ACK to a reused port belongs to the new session", ssh, [
      ...lifeAndClose,
      wait(1),
      asks("S", 90_000, 0, "accept rule new"),
      // Opening lasts 30 s, closing 10: the old session's end is not the new one's.
      wait(15),
      answers("SA", 40, 90_001),
    ]),
    plays("the rule that is removed in between is missing to the SYN", ssh, [
      ...lifeAndClose,
      change({}),
      wait(1),
      asks("S", 90_000, 0, "drop no-rule"),
      asks("A", 107, 702, "drop no-rule"),
      alive(0),
    ]),
  ],
});
