/** Which frames can do without their skb, and which go past the bridge with it. */
import type { Family } from "../../../src/model/model.ts";
import { addressOf } from "../../semantics/places.ts";
import {
  addressBytes,
  arp,
  destinationOptions,
  ethernet,
  frame,
  icmp,
  icmpv6,
  ipv4,
  ipv4Option,
  ipv6,
  join,
  linkLocal,
  neighbourSolicitation,
  payload,
  pseudoChecksum,
  udp,
  vlan,
} from "../../support/packet.ts";
import { device } from "./machine.ts";
import {
  accepted,
  arrives,
  at,
  between,
  bridged,
  datagram,
  type End,
  families,
  fromWan,
  goesOn,
  ipOf,
  isThere,
  learnt,
  leaves,
  mate,
  me,
  peer,
  type Scene,
  sent,
  toMate,
  toMe,
  wanToMe,
  web,
  withSkb,
} from "./traffic.ts";

const headerOf = (family: Family): number => (family === 4 ? 34 : 54);
/** The sum that stacks leave to the device: of the pseudo-header alone. */
function left(from: End, to: End, family: Family, protocol: 6 | 17, length: number): number {
  const carrier = {
    source: addressBytes(addressOf(from.name, family)),
    destination: addressBytes(addressOf(to.name, family)),
  };
  return 0xffff ^ pseudoChecksum(new Uint8Array(length), protocol, carrier);
}

/** A transport header that is cut short, in a packet that says so. */
const cut = (family: Family, protocol: number, length: number) => {
  const link = ethernet({ source: peer.mac, destination: me.mac });
  const whole = wanToMe(family, protocol === 6 ? web() : udp({ sourcePort: 5000, destinationPort: 53 }));
  const bytes = whole.subarray(headerOf(family), headerOf(family) + length);
  const ends = { source: addressOf("peer", family), destination: addressOf("me", family) };
  const ip = family === 4 ? ipv4({ ...ends, protocol }) : ipv6({ ...ends, nextHeader: protocol });
  return frame(link, ip, payload(bytes));
};
const asked = { operation: "request", senderAddress: "192.0.2.11", targetAddress: "192.0.2.12" } as const;
const link = ethernet({ source: me.mac, destination: mate.mac });
const options = ipv4({
  source: addressOf("me", 4),
  destination: addressOf("mate", 4),
  options: ipv4Option(148, new Uint8Array(2)),
});
const fragmented = (fields: { readonly moreFragments?: boolean; readonly fragmentOffset?: number }) =>
  frame(
    link,
    ipv4({ source: addressOf("me", 4), destination: addressOf("mate", 4), ...fields }),
    ...datagram(32),
  );

export const plainScenes: readonly Scene[] = [
  ...families.map(
    (family): Scene => ({
      claim: `without its skb goes what has its checksum in its bytes (IPv${family})`,
      set: learnt,
      runs: [
        // So short that no packet is inside: only a sum that was left to the device tells.
        bridged(toMate(family, ...datagram(27, { checksum: 0x1234 })), `${sent}, ${leaves}, ${arrives}`),
        bridged(
          toMate(family, ...datagram(27, { checksum: left(me, mate, family, 17, 35) })),
          `pass, marked, ${goesOn}`,
        ),
        bridged(toMate(family, ...datagram(27, { checksum: 0 })), `pass, marked, ${goesOn}`),
        bridged(toMate(family, web({ checksum: 0x1234 })), `${sent}, ${leaves}, ${arrives}`),
        bridged(toMate(family, web({ checksum: left(me, mate, family, 6, 20) })), `pass, marked, ${goesOn}`),
        // Long enough: it is counted.
        ...[28, 29, 30, 31, 503, 504, 505, 1015, 1016, 1017, 2038, 2039, 2040].map((size) =>
          bridged(toMate(family, ...datagram(size)), `${sent}, ${goesOn}, ${isThere}`),
        ),
        bridged(toMate(family, ...datagram(2041)), `pass, marked, ${goesOn}`),
        bridged(toMate(family, ...datagram(28, { checksum: 0x1234 })), `pass, marked, ${goesOn}`),
        bridged(toMate(family, ...datagram(1016, { checksum: 0x1234 })), `pass, marked, ${goesOn}`),
        bridged(toMate(family, ...datagram(28)), `pass, marked, ${goesOn}`, { refused: { loads: 1 } }),
        bridged(toMate(family, ...datagram(600)), `pass, marked, ${goesOn}`, { refused: { loads: 2 } }),
      ],
    }),
  ),
  ...families.map(
    (family): Scene => ({
      claim: `a transport header that is cut short keeps its skb (IPv${family})`,
      set: learnt,
      runs: [
        ...[19, 12].map((length) => fromWan(cut(family, 6, length), "pass")),
        ...[7, 4].map((length) => fromWan(cut(family, 17, length), "pass")),
        fromWan(cut(family, 6, 20), `${toMe}, ${accepted}`),
        fromWan(cut(family, 17, 8), `${toMe}, ${accepted}`),
      ],
    }),
  ),
  {
    claim: "a frame in pieces keeps its skb; one with bytes behind the packet needs none",
    set: learnt,
    runs: families.flatMap((family) => [
      bridged(toMate(family, ...datagram()), `pass, marked, ${leaves}`, {
        hidden: 1,
      }),
      bridged(join(toMate(family, ...datagram()), new Uint8Array(1)), `${sent}, ${goesOn}, ${arrives}`),
    ]),
  },
  {
    claim: "of ICMP IPv4's goes without its skb, and of other protocols none",
    set: learnt,
    runs: [
      bridged(toMate(4, icmp({ type: 8, identifier: 7 }), payload(8)), `${sent}, ${leaves}, ${arrives}`),
      bridged(toMate(6, icmpv6({ type: 128, identifier: 7 }), payload(8)), `pass, marked, ${leaves}`),
      bridged(
        frame(
          link,
          ipv4({ source: addressOf("me", 4), destination: addressOf("mate", 4), protocol: 50 }),
          payload(40),
        ),
        `pass, marked, ${leaves}`,
      ),
      bridged(frame(link, options, ...datagram()), `pass, marked, ${leaves}`),
      bridged(frame(link, ipOf(me, mate, 6), destinationOptions(), ...datagram()), `pass, marked, ${leaves}`),
      bridged(fragmented({ moreFragments: true }), `pass, marked, ${goesOn}`),
      bridged(fragmented({ fragmentOffset: 40 }), `pass, marked, ${goesOn}`),
    ],
  },
  {
    claim: "with its skb goes everything of IP but neighbour discovery, untagged",
    set: learnt,
    runs: [
      withSkb(frame(link, options, ...datagram()), `${sent}, marked`),
      withSkb(fragmented({ fragmentOffset: 40 }), `${sent}, marked`),
      withSkb(toMate(6, ...datagram()), `${sent}, marked`),
      withSkb(toMate(6, ...datagram()), `${sent}, marked`, { hidden: 18 }),
      withSkb(toMate(6, ...datagram()), "pass, marked", { hidden: 19 }),
      withSkb(toMate(4, ...datagram()), `${sent}, marked`, { hidden: 38 }),
      withSkb(toMate(4, ...datagram()), "pass, marked", { hidden: 39 }),
      withSkb(toMate(4, ...datagram()), "drop, marked, eni-1 egress drop unsupported", { tag: 7 }),
      withSkb(toMate(6, icmpv6({ type: 128, identifier: 7 })), "pass, marked"),
      withSkb(
        frame(
          link,
          ipv6({ source: linkLocal(me.mac), destination: linkLocal(mate.mac), hopLimit: 255 }),
          neighbourSolicitation(linkLocal(mate.mac)),
        ),
        "pass, marked",
      ),
      withSkb(frame(link, arp({ ...asked, senderMac: me.mac })), "pass, marked"),
      bridged(frame(link, arp({ ...asked, senderMac: me.mac })), "pass, marked, eni-1 egress accept arp"),
      withSkb(frame(link, vlan({ id: 7 }), ipOf(me, mate, 4), ...datagram()), "pass, marked"),
      at("guest_tc_ingress", device.one, toMate(4, ...datagram()), `${sent}, ${leaves}`),
      at(
        "guest_tc_ingress",
        device.one,
        between(mate, mate, 4, ...datagram()),
        "drop, eni-1 egress drop spoofed-mac",
      ),
    ],
  },
];
