/** What other CPUs do to sessions between two looks of this one, and what this one does then. */
import { constants } from "node:os";
import { OpeningLimit, OpeningTag } from "../../../src/kernel/layout.gen.ts";
import type { Setting } from "../../semantics/setting.ts";
import { handshakeOut, into, out, type Step, syn, tcp, udp, wait } from "../../semantics/steps.ts";
import type { Bench } from "../bench.ts";
import { asksOut, type DamagedScene, firstPiece, goesOn } from "./damaged.ts";

/** Another CPU proves the next session that is looked up in the opening table. */
const provenElsewhere = (bench: Bench): unknown => bench.script.say("faults 0 0 0 1");

/** Other CPUs claim every way that the next new session could have. */
const noRoom = (bench: Bench): unknown => bench.script.say(`faults 1 ${constants.errno.ENOMEM} 0 0`);

/** Another CPU revokes the next session that this one changes a flag of, after it read that one and before it writes. */
const revokedElsewhere = (bench: Bench): unknown => bench.script.say("revokes 1");

/** Other CPUs are at every set of the guest's opening table: words of the even ways, and of the odd ones. */
function setOwners(bench: Bench, even: bigint, odd = even): void {
  bench.script.say(`owners ${bench.numberOf("eni-1")} ${even} ${odd}`);
}

const holder = 1n;
const tagged = (tag: number): bigint => BigInt(tag) << BigInt(OpeningLimit.TAG_SHIFT);
const isWritten = tagged(OpeningTag.TAG_BUSY) + holder;
/** Of nobody's flow; a look-up that found it would be by chance. */
const isTaken = tagged(0x3ffff2);

const opens = (first: number, count: number): readonly Step[] =>
  Array.from({ length: count }, (_, n) => out(udp(`${first + n}>53`), "accept default-egress new"));

const served: Setting = { rules: ["ingress accept tcp 22/22 any"] };
const servedBackwards: Setting = {};

const proven = handshakeOut();
const fin = { sequence: 1001, acknowledgement: 5001 };

/** Each sets another flag; that the session is revoked shows at the packet after it. */
export const revokedScenes: readonly DamagedScene[] = [
  {
    claim: "a session that another CPU revokes while its first answer is noted stays revoked",
    before: [out(udp("40053>53"), "accept default-egress new")],
    damage: revokedElsewhere,
    after: [into(udp("53>40053"), "accept session established"), out(udp("40053>53"), "drop revoked")],
  },
  {
    claim: "a session that another CPU revokes while an acknowledgement is noted stays revoked",
    before: proven.slice(0, 2),
    damage: revokedElsewhere,
    after: [...proven.slice(2), goesOn("drop revoked")],
  },
  {
    claim: "a session that another CPU revokes while the guest's FIN is noted stays revoked",
    before: proven,
    damage: revokedElsewhere,
    after: [
      out(tcp("40443>443", "FA", fin), "accept session established"),
      into(tcp("443>40443", "A", { sequence: 5001, acknowledgement: 1002 }), "drop revoked"),
    ],
  },
  {
    claim: "a session that another CPU revokes while the other end's FIN is noted stays revoked",
    before: proven,
    damage: revokedElsewhere,
    after: [
      into(tcp("443>40443", "FA", { sequence: 5001, acknowledgement: 1001 }), "accept session established"),
      goesOn("drop revoked"),
    ],
  },
];

export const otherCpuScenes: readonly DamagedScene[] = [
  {
    claim: "a session that another CPU takes out of the opening table is proven all the same",
    damage: (bench) => bench.script.say("faults 0 0 1 0"),
    after: [...handshakeOut(), goesOn("accept session established")],
    sessions: ["established 2"],
  },
  {
    claim: "an answer whose session another CPU proves between two looks is accepted",
    before: [out(udp("40053>53"), "accept default-egress new")],
    damage: provenElsewhere,
    after: [into(udp("53>40053"), "accept session established")],
    sessions: ["answered 5"],
  },
  {
    claim: "a segment whose session another CPU proves between two looks is accepted, and counts",
    before: handshakeOut().slice(0, 2),
    damage: provenElsewhere,
    after: [
      into(tcp("443>40443", "FA", { sequence: 5001, acknowledgement: 1001 }), "accept session established"),
      out(tcp("40443>443", "FA", { sequence: 1001, acknowledgement: 5002 }), "accept session established"),
    ],
    sessions: ["established 3"],
  },
  {
    claim: "a packet of a flow that has no session is dropped, whatever another CPU proves",
    before: [out(udp("40053>53"), "accept default-egress new")],
    damage: provenElsewhere,
    after: [into(udp("54>40053"), "drop no-rule")],
    sessions: ["opening 4"],
  },
  {
    claim: "a packet whose session another CPU proves at the same moment is accepted",
    damage: (bench) => bench.script.say(`faults 1 ${constants.errno.EEXIST} 0 0`),
    after: [...handshakeOut(), goesOn("accept default-egress new")],
    sessions: ["opening 1"],
  },
  {
    claim:
      "a session that another CPU proved, and this one did not see, stays as it is; this one's is given up",
    before: handshakeOut(),
    damage: (bench) => {
      for (const map of ["rw_proven", "rw_alive"]) bench.script.say(`clear ${map}`);
    },
    after: [...handshakeOut(), goesOn("accept session established")],
    sessions: ["established 2"],
  },
  {
    claim:
      "of many flows that open at once each is found again, wherever it stands; the eldest are given up first",
    damage: () => undefined,
    after: [
      ...opens(1000, 300),
      wait(1),
      ...opens(2000, 200),
      ...Array.from({ length: 200 }, (_, n) => into(udp(`53>${2000 + n}`), "accept session established")),
    ],
  },
  {
    claim:
      "a set of the opening table that other CPUs write to everywhere takes nothing, and the packet is dropped",
    damage: (bench) => setOwners(bench, isWritten),
    after: [asksOut("drop table-full")],
  },
  {
    claim: "a set of the opening table whose entries are all in use by other CPUs takes nothing",
    damage: (bench) => setOwners(bench, isTaken + holder, holder),
    after: [asksOut("drop table-full"), out(udp("1000>53"), "drop table-full", firstPiece)],
  },
  {
    claim: "a revoked session stays revoked where the SYN that the rules accept after it finds no room",
    setting: served,
    before: [
      into(syn(22), "accept rule new"),
      { kind: "change", setting: servedBackwards },
      into(tcp("40443>22", "A"), "drop no-rule"),
    ],
    damage: noRoom,
    after: [
      out(tcp("22>40443", "S"), "drop table-full"),
      out(tcp("22>40443", "A"), "drop revoked"),
      into(tcp("40443>22", "A"), "drop revoked"),
      out(tcp("22>40443", "S"), "accept default-egress new"),
      into(tcp("40443>22", "SA"), "accept session established"),
    ],
    sessions: ["opening 1"],
  },
  {
    claim: "an answer of a session that another CPU has seen after this one read the clock is accepted",
    before: [
      wait(1),
      out(udp("40053>53"), "accept default-egress new"),
      into(udp("53>40053"), "accept session established"),
    ],
    damage: () => undefined,
    after: [wait(-0.001), into(udp("53>40053"), "accept session established")],
    sessions: ["answered 5"],
  },
  {
    claim: "a session that closes goes on closing where the SYN after it finds no room",
    before: [
      asksOut("accept default-egress new"),
      into(tcp("443>40443", "RA", { acknowledgement: 1 }), "accept session established"),
    ],
    damage: noRoom,
    after: [
      asksOut("drop table-full"),
      into(tcp("443>40443", "A"), "accept session established"),
      asksOut("accept default-egress new"),
    ],
    sessions: ["opening 1"],
  },
  {
    claim: "a session that was silent for too long stays over where the next one of its flow finds no room",
    before: [out(udp("40053>53"), "accept default-egress new"), wait(31)],
    damage: noRoom,
    after: [
      out(udp("40053>53"), "drop table-full"),
      into(udp("53>40053"), "drop no-rule"),
      out(udp("40053>53"), "accept default-egress new"),
    ],
    sessions: ["opening 4"],
  },
  {
    claim: "a way of a full set that another CPU writes to is left to it, and another one given up",
    damage: (bench) => setOwners(bench, isWritten, isTaken),
    after: [asksOut("accept default-egress new"), goesOn("accept session established")],
  },
  {
    claim: "an entry that another CPU uses stays, and another one is given up",
    damage: (bench) => setOwners(bench, isTaken + holder, isTaken),
    after: [asksOut("accept default-egress new"), goesOn("accept session established")],
  },
];
