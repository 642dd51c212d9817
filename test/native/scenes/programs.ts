/** Whole programs at devices: whose frame it is, marks, and where the agent's word leaves something open. */
import { InterfaceFlag, MarkStruct, SettingFlag } from "../../../src/kernel/layout.gen.ts";
import { addressOf, hostMac } from "../../semantics/places.ts";
import {
  arp,
  ethernet,
  frame,
  hex,
  join,
  number,
  payload,
  tcp,
  toHex,
  udp,
  vlan,
} from "../../support/packet.ts";
import { device, type Machine, mark, secret } from "./machine.ts";
import { at, between, datagram, ipOf, mate, me, peer, type Scene, setting } from "./traffic.ts";

const closed = [udp({ sourcePort: 5000, destinationPort: 54 }), payload(10)];
const out = (bytes: Uint8Array, expected: string, more = {}) =>
  at("guest_xdp", device.one, bytes, expected, more);
const outTc = (bytes: Uint8Array, expected: string, more = {}) =>
  at("guest_tc_ingress", device.one, bytes, expected, more);
const into = (bytes: Uint8Array, expected: string, more = {}) =>
  at("guest_tc_egress", device.one, bytes, expected, more);
const early = (bytes: Uint8Array, expected: string, more = {}) =>
  at("uplink_xdp_generic", device.wan, bytes, expected, more);

const asks = between(me, peer, 4, ...datagram());
const spoofs = between(mate, peer, 4, ...datagram());
const asked = between(peer, me, 4, ...datagram());
const answers = between(peer, me, 4, udp({ sourcePort: 53, destinationPort: 5000 }));
const refused = between(peer, me, 4, ...closed);
const opened = "eni-1 egress accept default-egress";
const unknown = 4001;
const far = 65_536 + device.one;
const nowhere = 2 ** 24;
const who = { operation: "request", senderAddress: "198.51.100.80", targetAddress: "192.0.2.11" } as const;
const asksWho = frame(
  ethernet({ source: peer.mac, destination: "ff:ff:ff:ff:ff:ff" }),
  arp({ ...who, senderMac: peer.mac }),
);
const tagged = frame(
  ethernet({ source: peer.mac, destination: me.mac }),
  vlan({ id: 7 }),
  ipOf(peer, me, 4),
  ...closed,
);
const twice = frame(
  ethernet({ source: peer.mac, destination: me.mac }),
  vlan({ id: 0 }),
  vlan({ id: 7 }),
  ipOf(peer, me, 4),
  ...closed,
);
const behind = (machine: Machine) =>
  machine.behind(`::ffff:${addressOf("me", 4)}`, machine.bench.recordOf("eni-1"));
const without = { meta: new Uint8Array(0) };
const forged = hex("0102030405060708");
const toHost = between(peer, { name: "me", mac: hostMac }, 4, ...closed);

const behindTag = (id: number, tpid = 0x8100) =>
  frame(
    ethernet({ source: me.mac, destination: peer.mac }),
    vlan({ id, tpid }),
    ipOf(me, peer, 4),
    ...datagram(),
  );
const tagMark = (id: number) => MarkStruct.encode({ secret: secret ^ BigInt(0x1000 | id) });
const markOf = (id: number) => toHex(tagMark(id));
const goesOn = "eni-1 egress accept session";

const devices: readonly Scene[] = [
  {
    claim: "a device that nobody named passes nothing",
    runs: [
      at("guest_xdp", unknown, asks, "drop"),
      at("guest_tc_ingress", unknown, asks, "drop"),
      at("guest_tc_egress", unknown, asked, "drop"),
    ],
  },
  {
    claim: "a device that nobody named is open where the operator says so",
    set: (machine) => machine.settings({ flags: SettingFlag.SETTING_FAIL_OPEN }),
    runs: [
      at("guest_xdp", unknown, asks, "pass"),
      at("guest_tc_egress", unknown, asked, "pass"),
      at("guest_xdp", device.one, spoofs, "drop, marked, eni-1 egress drop spoofed-mac"),
    ],
  },
  {
    claim: "a device whose place another one has is found by its whole number",
    set: (machine) => machine.hold(far, "eni-1", "rw_devices_far"),
    runs: [
      at("guest_xdp_generic", far, asks, `pass, marked, ${opened}`),
      at("guest_tc_egress", far, refused, "drop, eni-1 ingress drop no-rule"),
      at("guest_xdp_generic", far + 65_536, asks, "drop, marked"),
    ],
  },
  {
    claim: "a device whose record does not exist passes nothing",
    set: (machine) => machine.holdRecord(device.one, nowhere),
    runs: [out(asks, "drop, marked"), into(asked, "drop")],
  },
  {
    claim: "a removed interface drops whatever comes, broken frames by that reason",
    set: (machine) => machine.changeRecord("eni-1", { flags: InterfaceFlag.INTERFACE_REMOVED }),
    runs: [out(asks, "drop, marked, eni-1 egress drop not-ready")],
  },
  {
    claim: "a frame of no bytes, or one whose bytes the kernel does not copy, is malformed",
    runs: [
      out(new Uint8Array(0), "drop, marked, eni-1 egress drop malformed"),
      out(asks.subarray(0, 20), "drop, marked, eni-1 egress drop malformed"),
      out(asksWho, "drop, marked, eni-1 egress drop malformed", { refused: { loads: 1 } }),
      into(tagged, "drop, eni-1 ingress drop malformed", { refused: { loads: 1 } }),
      into(tagged, "drop, eni-1 ingress drop unsupported"),
    ],
  },
  {
    claim: "what reaches a guest is judged at its device, wherever the bytes lie",
    runs: [
      into(asked, "pass, eni-1 ingress accept rule"),
      into(asked, "pass, eni-1 ingress accept session", { hidden: 10 }),
      into(refused, "drop, eni-1 ingress drop no-rule"),
      into(refused, "drop, eni-1 ingress drop unsupported", { tag: 7 }),
      into(asksWho, "pass, eni-1 ingress accept arp"),
    ],
  },
  {
    claim: "the clock that is asked is the frame's",
    runs: [at("clock_probe", device.one, asks, String((2 ** 32 - 10_000 + 3000) | 0), { time: 3 })],
  },
];

const marks: readonly Scene[] = [
  {
    claim: "a frame that XDP judged is marked, and not judged again",
    runs: [
      out(asks, `pass, marked, ${opened}`),
      outTc(asks, "pass, marked", { meta: mark }),
      out(spoofs, "drop, marked, eni-1 egress drop spoofed-mac"),
    ],
  },
  {
    claim: "in generic mode too",
    runs: [at("guest_xdp_generic", device.one, asks, `pass, marked, ${opened}`)],
  },
  {
    claim: "a frame whose own bytes are the mark's is judged",
    runs: [outTc(join(mark, spoofs.subarray(8)), "drop, eni-1 egress drop spoofed-mac", without)],
  },
  {
    claim: "a frame with another mark, a part of it, or none is judged at tc",
    runs: [
      outTc(spoofs, "drop, eni-1 egress drop spoofed-mac", without),
      outTc(spoofs, "drop, 0102030405060708, eni-1 egress drop spoofed-mac", { meta: forged }),
      outTc(spoofs, `drop, ${toHex(mark.subarray(4))}, eni-1 egress drop spoofed-mac`, {
        meta: mark.subarray(4),
      }),
      outTc(spoofs, `drop, ${toHex(join(number(0, 4), mark))}, eni-1 egress drop spoofed-mac`, {
        meta: join(number(0, 4), mark),
      }),
    ],
  },
  {
    claim: "a mark says with which tag the frame was judged: with another one tc judges it",
    setting: { ...setting, nic: { vlans: [7, 9] } },
    runs: [
      ...([0x8100, 0x88a8] as const).map((tpid, index) =>
        out(behindTag(7, tpid), `pass, ${markOf(7)}, ${index === 0 ? opened : goesOn}`),
      ),
      outTc(asks, `pass, ${markOf(7)}`, { meta: tagMark(7), tag: 7 }),
      outTc(asks, `pass, ${markOf(7)}, ${goesOn}`, { meta: tagMark(7), tag: 9 }),
      outTc(asks, `pass, ${markOf(7)}, ${goesOn}`, { meta: tagMark(7) }),
      outTc(asks, "drop, marked, eni-1 egress drop unsupported", { meta: mark, tag: 8 }),
      outTc(asks, `pass, marked, ${goesOn}`, { meta: mark, tag: 7 }),
      // A priority tag: VLAN 0 beside the bytes is a tag, too.
      out(behindTag(0), `pass, ${markOf(0)}, ${goesOn}`),
      outTc(asks, `pass, ${markOf(0)}`, { meta: tagMark(0), tag: 0x1000 }),
      outTc(asks, `pass, marked, ${goesOn}`, { meta: mark, tag: 0x1000 }),
      out(behindTag(7).subarray(0, 15), "drop, marked, eni-1 egress drop malformed"),
    ],
  },
  {
    claim: "another device's mark is none",
    set: (machine) => machine.secret(device.two, secret + 1n),
    runs: [
      at(
        "guest_tc_ingress",
        device.two,
        between(me, peer, 4, ...datagram()),
        "drop, marked, eni-2 egress drop spoofed-mac",
        {
          meta: mark,
        },
      ),
    ],
  },
  {
    claim: "where no XDP program of ours stands no mark is believed, nor one of zeros",
    set: (machine) => machine.secret(device.one, 0n),
    runs: [
      outTc(spoofs, "drop, marked, eni-1 egress drop spoofed-mac", { meta: mark }),
      outTc(spoofs, "drop, 0000000000000000, eni-1 egress drop spoofed-mac", { meta: new Uint8Array(8) }),
      out(asks, `pass, ${opened}`),
      into(answers, "pass, eni-1 ingress accept session"),
      out(asks, "pass, eni-1 egress accept session"),
    ],
  },
  {
    claim: "a driver without metadata leaves the frame to tc",
    runs: [
      out(spoofs, "pass", { refused: { metas: 1 } }),
      outTc(spoofs, "drop, eni-1 egress drop spoofed-mac"),
    ],
  },
  {
    claim: "a session's frame is left to tc too, counted there alone",
    runs: [
      out(asks, `pass, marked, ${opened}`),
      into(answers, "pass, eni-1 ingress accept session"),
      out(asks, "pass", { refused: { metas: 1 } }),
      outTc(asks, "pass, eni-1 egress accept session"),
    ],
  },
  {
    claim: "metadata that somebody else laid is written over, where it is long enough without asking",
    runs: [
      out(asks, `pass, marked, ${opened}`, { meta: forged, refused: { metas: 1 } }),
      out(asks, `pass, ${toHex(join(mark, forged.subarray(0, 4)))}, eni-1 egress accept session`, {
        meta: forged.subarray(0, 4),
      }),
      out(spoofs, `pass, ${toHex(forged.subarray(0, 4))}`, {
        meta: forged.subarray(0, 4),
        refused: { metas: 1 },
      }),
    ],
  },
];

const uplinks: readonly Scene[] = [
  {
    claim: "an uplink drops what the guest would refuse, and counts it; the rest is the device's",
    set: behind,
    runs: [
      early(refused, "drop, eni-1 ingress drop no-rule"),
      early(asked, "pass"),
      early(asksWho, "pass"),
      early(tagged, "pass"),
      early(twice, "pass"),
      early(refused.subarray(0, 20), "pass"),
      early(between(peer, mate, 4, ...closed), "pass"),
      early(between(peer, { ...me, mac: mate.mac }, 4, ...closed), "pass"),
      early(toHost, "pass"),
      at("uplink_xdp_generic", device.bridge, refused, "pass"),
    ],
  },
  {
    claim: "what the host will route to the guest is judged as it will arrive there",
    set: (machine) => {
      behind(machine);
      machine.hostHas();
    },
    runs: [early(toHost, "drop, eni-1 ingress drop no-rule")],
  },
  {
    claim: "an answer whose session another CPU proves between two looks of an uplink's is the device's",
    set: (machine) => {
      behind(machine);
      machine.bench.script.say("faults 0 0 0 1");
    },
    runs: [
      out(asks, `pass, marked, ${opened}`),
      early(answers, "pass"),
      into(answers, "pass, eni-1 ingress accept session"),
    ],
  },
  {
    claim: "an uplink's entry without a record judges nothing",
    set: (machine) => machine.behind(`::ffff:${addressOf("me", 4)}`, nowhere),
    runs: [early(refused, "pass")],
  },
];

const express: readonly Scene[] = [
  {
    claim: "a proven session is accepted and counted at every hook of the device",
    runs: [
      out(asks, `pass, marked, ${opened}`),
      into(answers, "pass, eni-1 ingress accept session"),
      out(asks, "pass, marked, eni-1 egress accept session"),
      outTc(asks, "pass, eni-1 egress accept session"),
      at(
        "guest_tc_egress",
        device.one,
        between(peer, me, 4, tcp({ sourcePort: 1, destinationPort: 81, flags: "S" })),
        "drop, eni-1 ingress drop no-rule",
      ),
    ],
  },
];

export const programScenes: readonly Scene[] = [...devices, ...marks, ...uplinks, ...express];
