/** Whole programs past the bridge: which frames go which way, at each hook that can send them. */
import { constants } from "node:os";
import { addressOf, hostMac } from "../../semantics/places.ts";
import { payload, udp } from "../../support/packet.ts";
import { device, groupMac, longest } from "./machine.ts";
import {
  accepted,
  arrives,
  at,
  between,
  bridged,
  datagram,
  families,
  fromWan,
  goesOn,
  isThere,
  known,
  learnt,
  leaves,
  mate,
  me,
  peer,
  type Scene,
  sent,
  setting,
  toMate,
  toMe,
  wanToMe,
  web,
  withSkb,
} from "./traffic.ts";

const guests: readonly Scene[] = [
  ...families.map(
    (family): Scene => ({
      claim: `a guest's frame goes past the bridge, judged at both ends, without its mark (IPv${family})`,
      set: learnt,
      runs: [
        bridged(toMate(family, ...datagram()), `${sent}, ${leaves}, ${arrives}`),
        bridged(toMate(family, ...datagram()), `${sent}, ${goesOn}, ${isThere}`),
        bridged(
          toMate(family, udp({ sourcePort: 1, destinationPort: 54 })),
          `drop, ${leaves}, eni-2 ingress drop no-rule`,
        ),
        bridged(toMate(family, web(), payload(100)), `${sent}, ${leaves}, ${arrives}`),
        at("guest_xdp_generic", device.one, toMate(family, ...datagram()), `pass, marked, ${goesOn}`),
        bridged(between(mate, mate, family, ...datagram()), "drop, marked, eni-1 egress drop spoofed-mac"),
      ],
    }),
  ),
  {
    claim: "a frame of each sender a second is the bridge's, which learns from it: XDP leaves it to tc",
    set: learnt,
    runs: [
      bridged(toMate(4, ...datagram()), `${sent}, ${leaves}, ${arrives}`, { time: 0.999 }),
      bridged(toMate(4, ...datagram()), `pass, marked, ${goesOn}`, { time: 1 }),
      bridged(toMate(4, ...datagram()), `pass, marked, ${goesOn}`, { time: 1 }),
      withSkb(toMate(4, ...datagram()), "pass, marked", { time: 1 }),
      withSkb(toMate(4, ...datagram()), `${sent}, marked`, { time: 1 }),
      bridged(toMate(4, ...datagram()), `${sent}, ${goesOn}, ${isThere}`, { time: 1.999 }),
      bridged(toMate(4, ...datagram()), `pass, marked, ${goesOn}`, { time: 2 }),
    ],
  },
  {
    claim: "a device that is of no bridge sends nothing past one",
    set: (machine) => {
      machine.learn();
      machine.port(device.one, 0);
      machine.direct(mate.mac, { ifindex: device.two }, 0);
    },
    runs: [
      bridged(toMate(4, ...datagram()), `pass, marked, ${leaves}`),
      withSkb(toMate(4, ...datagram()), "pass, marked"),
    ],
  },
  {
    claim: "a device whose place another one has is of no bridge",
    set: (machine) => {
      machine.learn();
      machine.port(device.one + 65_536, device.bridge);
    },
    runs: [
      bridged(toMate(4, ...datagram()), `pass, marked, ${leaves}`),
      withSkb(toMate(4, ...datagram()), "pass, marked"),
    ],
  },
  {
    claim:
      "a MAC that the bridge has elsewhere, nowhere, or at the sender's own device is the bridge's business",
    set: (machine) => {
      machine.learn();
      machine.direct(peer.mac, { ifindex: device.one });
      machine.direct(hostMac, { ifindex: device.two });
    },
    runs: [
      bridged(between(me, peer, 4, ...datagram()), `pass, marked, ${leaves}`),
      bridged(between(me, { name: "mate", mac: hostMac }, 4, ...datagram()), `pass, marked, ${leaves}`),
      bridged(
        between(me, { name: "peer", mac: "02:00:00:00:07:07" }, 4, ...datagram()),
        `pass, marked, ${goesOn}`,
      ),
      withSkb(between(me, peer, 4, ...datagram()), "pass, marked"),
      withSkb(between(me, { name: "mate", mac: hostMac }, 4, ...datagram()), "pass, marked"),
    ],
  },
  {
    claim: "a device that takes no XDP frames is sent them with their skb",
    set: (machine) => {
      machine.learn();
      machine.direct(mate.mac, { ifindex: device.two, flags: 0 });
    },
    runs: [
      bridged(toMate(4, ...datagram()), `pass, marked, ${leaves}`),
      withSkb(toMate(4, ...datagram()), `${sent}, marked`),
    ],
  },
  {
    claim:
      "a frame that is longer than the bridge would hand on is the bridge's; a segment is cut on its way",
    set: learnt,
    runs: [
      bridged(toMate(4, web(), payload(longest - 54)), `${sent}, ${leaves}, ${arrives}`),
      bridged(toMate(4, web(), payload(longest - 53)), `pass, marked, ${goesOn}`),
      withSkb(toMate(4, web(), payload(longest - 54)), `${sent}, marked`),
      withSkb(toMate(4, web(), payload(longest - 53)), "pass, marked"),
      withSkb(toMate(4, web(), payload(longest - 53)), `${sent}, marked`, { segmented: true }),
    ],
  },
  {
    claim: "a guest of another network is not reached",
    setting: {
      ...setting,
      networks: { "vpc-b": { type: "vpc" } },
      groups: { "sg-b": { network: "vpc-b" } },
      mate: { network: "vpc-b", groups: ["sg-b"] },
    },
    set: learnt,
    runs: [
      bridged(toMate(4, ...datagram()), `pass, marked, ${leaves}`),
      withSkb(toMate(4, ...datagram()), "pass, marked"),
    ],
  },
  {
    claim: "what a guest sends from another MAC is the bridge's, which has to see that MAC",
    setting: { ...setting, nic: { antiSpoofing: false } },
    set: learnt,
    runs: [
      bridged(between({ ...me, mac: hostMac }, mate, 4, ...datagram()), `pass, marked, ${leaves}`),
      withSkb(between({ ...me, mac: hostMac }, mate, 4, ...datagram()), "pass, marked"),
    ],
  },
  {
    claim: "a device that nobody holds is sent nothing, and sends nothing",
    set: (machine) => {
      machine.learn();
      machine.settings({ flags: 4 });
      machine.holdRecord(device.two, 2 ** 24);
    },
    runs: [
      bridged(toMate(4, ...datagram()), `pass, marked, ${leaves}`),
      withSkb(toMate(4, ...datagram()), "pass, marked"),
      at("guest_xdp", device.two, between(mate, me, 4, ...datagram()), "pass"),
      at("guest_tc_ingress", device.two, between(mate, me, 4, ...datagram()), "pass"),
    ],
  },
  {
    claim: "a device that has just gone loses the frame; a mark that stays keeps it on the bridge",
    set: (machine) => {
      machine.learn();
      machine.clear("rw_targets");
    },
    runs: [
      bridged(toMate(4, ...datagram()), `drop, ${leaves}, ${arrives}`),
      bridged(toMate(4, ...datagram()), `pass, marked, ${goesOn}`, { refused: { metas: 2 } }),
    ],
  },
  {
    claim: "a session's frame that goes straight is not marked, what the bridge is shown of it is",
    set: learnt,
    runs: [
      bridged(toMate(4, ...datagram()), `${sent}, ${leaves}, ${arrives}`),
      at(
        "guest_tc_egress",
        device.one,
        between(mate, me, 4, udp({ sourcePort: 53, destinationPort: 5000 })),
        `pass, ${known}`,
      ),
      bridged(toMate(4, ...datagram()), `${sent}, ${goesOn}, ${isThere}`, { refused: { metas: 3 } }),
      bridged(toMate(4, ...datagram()), "pass", { time: 1, refused: { metas: 1 } }),
      bridged(toMate(4, ...datagram()), `pass, marked, ${goesOn}`, { time: 1 }),
    ],
  },
  {
    claim: "without a mark there is none to take off",
    set: (machine) => {
      machine.learn();
      machine.secret(device.one, 0n);
    },
    runs: [bridged(toMate(4, ...datagram()), `${sent}, ${leaves}, ${arrives}`, { refused: { metas: 1 } })],
  },
];

const uplinks: readonly Scene[] = [
  ...families.map(
    (family): Scene => ({
      claim: `an uplink's frame goes past the bridge, judged at the guest's end (IPv${family})`,
      set: learnt,
      runs: [
        fromWan(wanToMe(family, ...datagram()), `${toMe}, ${accepted}`),
        fromWan(
          wanToMe(family, udp({ sourcePort: 1, destinationPort: 54 })),
          "drop, eni-1 ingress drop no-rule",
        ),
        at("uplink_xdp_generic", device.wan, wanToMe(family, ...datagram()), "pass"),
      ],
    }),
  ),
  {
    claim: "a frame of each MAC behind an uplink a second is the bridge's",
    runs: [
      fromWan(wanToMe(4, ...datagram()), "pass"),
      fromWan(wanToMe(4, ...datagram()), `${toMe}, ${accepted}`),
      fromWan(between({ name: "peer", mac: hostMac }, me, 4, ...datagram()), "pass"),
      fromWan(wanToMe(4, ...datagram()), `${toMe}, ${known}`, { time: 0.999 }),
      fromWan(wanToMe(4, ...datagram()), "pass", { time: 1 }),
      fromWan(wanToMe(4, ...datagram()), `${toMe}, ${known}`, { time: 1 }),
    ],
  },
  {
    claim: "a MAC that the kernel has no room to remember is shown to the bridge each time",
    set: (machine) => machine.bench.script.say(`faults 9 ${constants.errno.ENOMEM} 0 0`),
    runs: [fromWan(wanToMe(4, ...datagram()), "pass"), fromWan(wanToMe(4, ...datagram()), "pass")],
  },
  {
    claim: "without jiffies a second nobody knows whether the bridge was shown one: it is",
    set: (machine) => {
      machine.learn();
      machine.settings({ hz: 0 });
    },
    runs: [fromWan(wanToMe(4, ...datagram()), "pass")],
  },
  {
    claim: "an uplink that is of no bridge sends nothing past one, and drops early all the same",
    set: (machine) => {
      machine.learn();
      machine.port(device.wan, 0);
      machine.behind(`::ffff:${addressOf("me", 4)}`, machine.bench.recordOf("eni-1"));
    },
    runs: [
      fromWan(wanToMe(4, ...datagram()), "pass"),
      fromWan(wanToMe(4, udp({ sourcePort: 1, destinationPort: 54 })), "drop, eni-1 ingress drop no-rule"),
    ],
  },
  {
    claim: "a source that is a group of MACs, and a frame without a whole header, are the bridge's",
    set: learnt,
    runs: [
      fromWan(between({ name: "peer", mac: groupMac }, me, 4, ...datagram()), "pass"),
      ...[13, 14, 33, 34, 41].map((length) =>
        fromWan(wanToMe(4, ...datagram(0)).subarray(0, length), "pass"),
      ),
      ...[33, 34, 53, 54, 61].map((length) =>
        fromWan(wanToMe(6, ...datagram(0)).subarray(0, length), "pass"),
      ),
    ],
  },
];

export const directScenes: readonly Scene[] = [...guests, ...uplinks];
