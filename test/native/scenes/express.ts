/** Which way packets go: what a proven session goes on with takes the express way, and nothing else does. */
import { defaultSettings } from "../../../src/kernel/settings.ts";
import { plays } from "../../semantics/rows.ts";
import { change, handshakeOut, into, out, udp, wait } from "../../semantics/steps.ts";
import { raw } from "../../support/packet.ts";
import { type SaidRow, sayRow } from "../rows.ts";
import {
  asked,
  dressed,
  type ExpressScene,
  fast,
  handshake,
  inward,
  outward,
  passed,
  slow,
} from "./express-legs.ts";
import { provenScenes } from "./proven.ts";

export const expressScenes: readonly ExpressScene[] = [
  {
    claim: "established TCP goes the express way, both ways, until it ends",
    setting: {},
    legs: [
      ...handshake,
      ...fast(outward("A"), inward("A"), outward("PA"), inward("PA"), outward("AU")),
      ...slow(outward("S", {}, passed), inward("FA"), outward("FA")),
      ...slow(outward("A")),
    ],
  },
  {
    claim: "UDP that was answered goes the express way, both ways",
    setting: {},
    legs: [...asked(40053), ...fast(out(udp("40053>53"), passed), into(udp("53>40053"), passed))],
  },
  {
    claim: "what is not plain goes the whole way",
    setting: { nic: { vlans: [7] } },
    legs: [
      ...handshake,
      ...slow(outward("A", { vlans: [7] }), inward("A", { vlans: [7] })),
      ...fast(outward("A")),
    ],
  },
  {
    claim: "options go the whole way",
    setting: {},
    legs: [...handshake, ...slow(outward("A", dressed), inward("A", dressed))],
    families: [4],
  },
  {
    claim: "another protocol goes the whole way",
    setting: {},
    legs: slow(
      out(() => [raw(new Uint8Array(16), { protocol: 50 })], "accept default-egress new"),
      into(() => [raw(new Uint8Array(16), { protocol: 50 })], passed),
      out(() => [raw(new Uint8Array(16), { protocol: 50 })], passed),
    ),
  },
  {
    claim: "the first packet after a change goes the whole way, the next ones do not",
    setting: {},
    legs: [
      ...handshake,
      ...fast(outward("A")),
      ...slow(change({ rules: ["ingress accept tcp 22/22 any"] }), outward("A")),
      ...fast(outward("A"), inward("A")),
    ],
  },
  {
    claim: "the first packet after a change of the interface alone goes the whole way",
    setting: {},
    legs: [
      ...handshake,
      ...fast(outward("A")),
      ...slow(change({ nic: { vlans: [7] } }), outward("A")),
      ...fast(outward("A"), inward("A")),
    ],
  },
  {
    claim: "a session that a rule with an end allows goes the whole way: its time is asked each time",
    setting: { rules: ["egress accept tcp 443/443 any expires=+600"], group: { defaultEgress: "drop" } },
    legs: [...slow(...handshakeOut("accept rule new"), outward("A"), inward("A"))],
  },
  {
    claim: "silence as long as the timeout ends it, a moment less does not",
    setting: {},
    settings: { timeouts: { ...defaultSettings.timeouts, tcpEstablished: 4 } },
    legs: [
      ...handshake,
      ...fast(outward("A")),
      ...slow(wait(3.999)),
      ...fast(outward("A")),
      ...slow(wait(4), outward("A", {}, "accept default-egress new")),
    ],
  },
  {
    // The first jiffies are 10 s before they begin anew.
    claim: "one packet in 2^14 jiffies goes the whole way, which says that its session is alive",
    setting: {},
    legs: [
      ...handshake,
      ...slow(wait(9.9)),
      ...fast(outward("A")),
      ...slow(wait(0.1), inward("A")),
      ...fast(inward("A"), outward("A")),
      ...slow(wait(16.383)),
      ...fast(outward("A")),
      ...slow(wait(0.001), outward("A")),
      ...fast(outward("A"), inward("A")),
    ],
  },
  {
    claim: "an interface without anti-spoofing uses it, one that only observes does not",
    setting: { nic: { antiSpoofing: false } },
    legs: [
      ...handshake,
      ...fast(outward("A", { sourceMac: "02:00:00:00:09:09" }), inward("A")),
      ...slow(change({ nic: { antiSpoofing: "observe" } }), outward("A"), outward("A"), inward("A")),
    ],
  },
  {
    claim:
      "an interface with pairs is asked about what reaches it, not about what it sends from its own address",
    setting: { nic: { allowedAddressPairs: [{ address: "192.0.2.100/32" }] } },
    legs: [...handshake, ...fast(outward("A")), ...slow(inward("A"))],
  },
  {
    claim: "another MAC goes the whole way, and is dropped",
    setting: {},
    legs: [
      ...handshake,
      ...slow(outward("A", { sourceMac: "02:00:00:00:09:09" }, "drop spoofed-mac")),
      ...slow(inward("A", { destinationMac: "02:00:00:00:09:09" }, "drop other-mac")),
    ],
  },
];

export interface SaidScene extends SaidRow {
  readonly claim: string;
  /** By frame. */
  readonly express: readonly boolean[];
}

export async function sayExpress(): Promise<readonly SaidScene[]> {
  const said: SaidScene[] = [];
  for (const { claim, setting, settings = {}, legs, families } of [...expressScenes, ...provenScenes]) {
    const row = plays(
      claim,
      setting,
      legs.map(({ step }) => step),
      { settings },
    );
    const express = legs.filter(({ step }) => step.kind === "packet").map((leg) => leg.express);
    for (const family of families ?? ([4, 6] as const))
      said.push({ ...(await sayRow(row, family)), claim: `${claim} (IPv${family})`, express });
  }
  return said;
}
