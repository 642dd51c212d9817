/** Packets of proven sessions after packets of none, over longer than a place of rw_proven says anything. */
import { defaultSettings } from "../../../src/kernel/settings.ts";
import { change, handshakeOut, into, out, type Step, udp, wait } from "../../semantics/steps.ts";
import { asked, type ExpressScene, fast, handshake, inward, outward, slow } from "./express-legs.ts";

/** Longer than any timeout, and than a place says something. */
const forgotten = wait(1000);
const timeouts = defaultSettings.timeouts;

/** Packets of other flows, which have no session: the next one there is asked about first. */
const strangers: readonly Step[] = [
  out(udp("40900>90"), "accept default-egress new"),
  out(udp("40901>90"), "accept default-egress new"),
  into(udp("90>40902"), "drop no-rule"),
  into(udp("90>40903"), "drop no-rule"),
];

export const provenScenes: readonly ExpressScene[] = [
  {
    claim: "TCP that was proven is found after packets of no session",
    setting: {},
    legs: [...handshake, ...slow(...strangers), ...fast(outward("A"), inward("A"))],
  },
  {
    claim: "UDP that was answered is found after packets of no session",
    setting: {},
    legs: [
      ...asked(40_053),
      ...slow(...strangers),
      ...fast(
        out(udp("40053>53"), "accept session established"),
        into(udp("53>40053"), "accept session established"),
      ),
    ],
  },
  {
    claim: "a session that goes on for longer than a place says is found",
    setting: {},
    legs: [
      ...handshake,
      ...slow(wait(400), outward("A"), wait(400), outward("A"), wait(400), outward("A"), ...strangers),
      ...fast(outward("A"), inward("A")),
    ],
  },
  {
    claim:
      "a session that went on to the end of an age and was silent from then on is found until its timeout",
    setting: {},
    legs: [
      ...handshake,
      // The first jiffies are 10 s before they begin anew.
      ...slow(wait(10), outward("A"), wait(16.383)),
      ...fast(outward("A")),
      ...slow(...strangers, wait(909.999), outward("A")),
    ],
  },
  {
    claim: "a session in the place of one that expired is found when that one's proof is forgotten",
    setting: {},
    settings: { timeouts: { ...timeouts, tcpOpening: 910, tcpEstablished: 100 } },
    legs: [
      ...handshake,
      ...slow(wait(905), ...handshakeOut().slice(0, 1), ...strangers, wait(100)),
      ...slow(...handshakeOut().slice(1)),
      ...fast(outward("A"), inward("A")),
    ],
  },
  {
    claim: "TCP that is opened and proven anew takes the place of what expired long ago",
    setting: {},
    legs: [...handshake, ...slow(forgotten, ...strangers), ...handshake, ...fast(outward("A"), inward("A"))],
  },
  {
    claim: "UDP that is asked and answered anew takes the place of what expired long ago",
    setting: {},
    legs: [
      ...asked(40_053),
      ...slow(forgotten, ...strangers),
      ...asked(40_053),
      ...fast(out(udp("40053>53"), "accept session established")),
    ],
  },
  {
    claim: "what was revoked is so however long ago, and after packets of no session",
    setting: {},
    legs: [
      ...handshake,
      ...slow(change({ rules: ["egress drop tcp 443/443 any"] })),
      ...slow(outward("A", {}, "drop rule"), inward("A", {}, "drop revoked"), forgotten, ...strangers),
      ...slow(inward("A", {}, "drop revoked"), forgotten, outward("A", {}, "drop revoked")),
    ],
  },
];
