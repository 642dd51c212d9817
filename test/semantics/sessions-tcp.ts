/** docs/semantics.md, "Sessions": TCP. */
import { plays, type Sentences } from "./rows.ts";
import { change, handshakeIn, handshakeOut, into, out, type Step, syn, tcp, wait } from "./steps.ts";

const opened = "accept default-egress new";
const session = "accept session established";
const noRule = "drop no-rule";

/** Segments of the handshake's connection, from the peer and from the guest. */
const fromPeer = (flags: string, sequence: number, acknowledgement = 1001, length = 0) =>
  tcp("443>40443", flags, { sequence, acknowledgement, length });
const fromGuest = (flags: string, sequence: number, acknowledgement = 5001, length = 0) =>
  tcp("40443>443", flags, { sequence, acknowledgement, length });
const dataIn = fromPeer("A", 5001, 1001, 10);

/** The session is closing: it passes for 10 s, not longer. */
const isClosing: readonly Step[] = [wait(10), into(dataIn, noRule)];
/** It is still established: 10 s are nothing to it. */
const isEstablished: readonly Step[] = [wait(300), into(dataIn, session)];

const ssh = { rules: ["ingress accept tcp 22/22 any"] };
const closeSsh: readonly Step[] = [
  into(tcp("50022>22", "FA", { sequence: 1001, acknowledgement: 5001 }), session),
  out(tcp("22>50022", "FA", { sequence: 5001, acknowledgement: 1002 }), session),
  into(tcp("50022>22", "A", { sequence: 1002, acknowledgement: 5002 }), session),
  wait(1),
];

export const tcpOfSessions: Sentences = {
  "**TCP** opens with a SYN without ACK": [
    plays("established by the third packet of a handshake", {}, [...handshakeOut(), ...isEstablished]),
    plays("a SYN-ACK alone proves nothing: the session ends with the opening timeout", {}, [
      out(fromGuest("S", 1000, 0), opened),
      into(fromPeer("SA", 5000), session),
      wait(30),
      into(dataIn, noRule),
    ]),
    plays("nor does one that acknowledges another number", {}, [
      out(fromGuest("S", 1000, 0), opened),
      into(fromPeer("SA", 5000, 77), session),
      out(fromGuest("A", 1001, 5001), session),
      wait(30),
      into(dataIn, noRule),
    ]),
    plays("nor an acknowledgement of what was never sent", {}, [
      out(fromGuest("S", 1000, 0), opened),
      into(fromPeer("SA", 5000), session),
      out(fromGuest("A", 1001, 6000), session),
      wait(30),
      into(dataIn, noRule),
    ]),
    plays("a simultaneous open counts", {}, [
      out(fromGuest("S", 1000, 0), opened),
      into(fromPeer("S", 5000, 0), session),
      out(fromGuest("SA", 1000, 5001), session),
      into(fromPeer("SA", 5000, 1001), session),
      ...isEstablished,
    ]),
    plays("a SYN with ECN opens too, with ACK it opens nothing", {}, [
      out(fromGuest("SEC", 1000, 0), opened),
      out(tcp("40444>443", "SA", { acknowledgement: 1 }), "accept default-egress none"),
      into(tcp("443>40444", "A"), noRule),
    ]),
  ],
  "Closing means both FINs, or a RST": [
    plays("both FINs", {}, [
      ...handshakeOut(),
      out(fromGuest("FA", 1001), session),
      into(fromPeer("FA", 5001, 1002), session),
      ...isClosing,
    ]),
    plays("one FIN is not enough", {}, [
      ...handshakeOut(),
      out(fromGuest("FA", 1001), session),
      ...isEstablished,
    ]),
    plays("a RST at the exact next sequence, of either end", {}, [
      ...handshakeOut(),
      into(fromPeer("R", 5001), session),
      ...isClosing,
      ...handshakeOut(),
      out(fromGuest("RA", 1001), session),
      ...isClosing,
    ]),
    plays("not one beside it", {}, [
      ...handshakeOut(),
      into(fromPeer("R", 5000), session),
      into(fromPeer("R", 5002), session),
      ...isEstablished,
    ]),
    plays("once a FIN was seen, any RST", {}, [
      ...handshakeOut(),
      out(fromGuest("FA", 1001), session),
      into(fromPeer("R", 77), session),
      ...isClosing,
    ]),
    plays("to a SYN, one that acknowledges it: the port is refused", {}, [
      out(fromGuest("S", 1000, 0), opened),
      into(fromPeer("RA", 0, 1001), session),
      ...isClosing,
    ]),
    plays("to a SYN, not one that acknowledges another number", {}, [
      out(fromGuest("S", 1000, 0), opened),
      into(fromPeer("RA", 0, 1002), session),
      wait(20),
      into(fromPeer("SA", 5000), session),
    ]),
  ],
  "Any other RST, and a FIN with a wrong sequence": [
    plays("a FIN far ahead counts as none", {}, [
      ...handshakeOut(),
      into(fromPeer("FA", 900_000), session),
      out(fromGuest("FA", 1001), session),
      ...isEstablished,
    ]),
    plays("a RST far ahead changes nothing", {}, [
      ...handshakeOut(),
      into(fromPeer("R", 900_000_000), session),
      ...isEstablished,
      into(fromPeer("R", 5011), session),
      ...isClosing,
    ]),
    plays("a half-closed session keeps the established timeout", {}, [
      ...handshakeOut(),
      out(fromGuest("FA", 1001), session),
      wait(909),
      into(dataIn, session),
      wait(910),
      into(dataIn, noRule),
    ]),
  ],
  "A SYN on an established session passes": [
    plays("and refreshes nothing", {}, [
      ...handshakeOut(),
      wait(900),
      into(fromPeer("S", 9000, 0), session),
      wait(9),
      into(fromPeer("S", 9000, 0), session),
      wait(1),
      into(dataIn, noRule),
    ]),
    plays("and changes nothing: the next sequences are the old ones", {}, [
      ...handshakeOut(),
      into(fromPeer("S", 9000, 0), session),
      into(fromPeer("R", 9001), session),
      ...isEstablished,
    ]),
    plays("a repeated SYN does not prolong opening", {}, [
      out(fromGuest("S", 1000, 0), opened),
      wait(20),
      out(fromGuest("S", 1000, 0), session),
      wait(10),
      into(fromPeer("SA", 5000), noRule),
    ]),
  ],
  "In closing, a SYN is a new session": [
    plays("judged anew, with timeouts of its own", ssh, [
      ...handshakeIn(),
      ...closeSsh,
      ...handshakeIn(),
      wait(60),
      into(tcp("50022>22", "A", { sequence: 1001, acknowledgement: 5001, length: 5 }), session),
    ]),
    plays("judged by the rules of now", ssh, [
      ...handshakeIn(),
      ...closeSsh,
      change({}),
      into(tcp("50022>22", "S", { sequence: 9000 }), noRule),
    ]),
    plays("from the other end, by that direction's rules", ssh, [
      ...handshakeIn(),
      ...closeSsh,
      out(tcp("22>50022", "S", { sequence: 9000 }), opened),
      into(tcp("50022>22", "SA", { sequence: 1, acknowledgement: 9001 }), session),
    ]),
  ],
  "A packet is never dropped for its window.": [
    plays("whatever its sequence and its acknowledgement", {}, [
      ...handshakeOut(),
      into(fromPeer("A", 3_000_000_000, 1001, 100), session),
      into(fromPeer("A", 5001, 4_000_000_000, 100), session),
      out(fromGuest("A", 1001 + 200_000, 5001, 100), session),
      into(tcp("443>40444", "A", { sequence: 5001, acknowledgement: 1001 }), noRule),
    ]),
  ],
  "SYN with FIN or RST, and no flag at all, are `malformed`.": [
    plays("in both directions, whatever the rules say", { rules: ["ingress accept all any"] }, [
      into(tcp("1>2", "SF"), "drop malformed"),
      into(tcp("1>2", "SR"), "drop malformed"),
      into(tcp("1>2", "SFRPAU"), "drop malformed"),
      into(tcp("1>2", ""), "drop malformed"),
      into(tcp("1>2", "EC"), "drop malformed"),
      out(tcp("1>2", "SF"), "drop malformed"),
      out(tcp("1>2", ""), "drop malformed"),
      into(tcp("1>2", "FPU"), "accept rule new"),
      into(syn(2), "accept rule new"),
    ]),
  ],
};
