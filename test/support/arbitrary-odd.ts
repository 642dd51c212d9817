/** Odd packets: at least one kind for every reason that a single packet can meet. */
import fc from "fast-check";
import type { Direction, Model } from "../../src/model/model.ts";
import { arbitraryEnds, between, type Ends, ip, link } from "./arbitrary-ends.ts";
import { pools } from "./arbitrary-model.ts";
import type { Step, Talk } from "./arbitrary-talk.ts";
import { gatewayMac } from "./bed.ts";
import {
  arp,
  destinationOptions,
  dhcp,
  dhcpv6,
  ethernet,
  extension,
  fragment,
  frame,
  hopByHop,
  icmp,
  icmpv6,
  igmp,
  ipv4,
  ipv6,
  type Layer,
  linkLocal,
  mld,
  mldv2Report,
  multicastMac,
  neighbourAdvertisement,
  neighbourSolicitation,
  payload,
  rarp,
  raw,
  redirect,
  routerAdvertisement,
  routerAlert6,
  routerSolicitation,
  routing,
  segment,
  sourceLinkLayer,
  sourceRoute,
  targetLinkLayer,
  tcp,
  udp,
  vlan,
} from "./packet.ts";

/** One or more frames that belong together, in order. */
type Odd = (ends: Ends, direction: Direction) => readonly Uint8Array[];

const everyone = "ff:ff:ff:ff:ff:ff";
const strangerMac = "02:00:00:00:99:99";
const datagram = [udp({ sourcePort: 53, destinationPort: 53 }), payload("odd")];
const syn = tcp({ sourcePort: 40000, destinationPort: 80, flags: "S" });

const one =
  (build: (ends: Ends, direction: Direction) => Uint8Array): Odd =>
  (ends, direction) => [build(ends, direction)];

/** A frame at layer 2 from the interface, or to it. */
function framed(ends: Ends, direction: Direction, to: string, ...layers: readonly Layer[]): Uint8Array {
  return direction === "egress"
    ? frame(ethernet({ source: ends.mac, destination: to }), ...layers)
    : frame(ethernet({ source: gatewayMac, destination: to }), ...layers);
}

function arps(operation: "request" | "reply", senderMac: string | null, senderAddress: string | null): Odd {
  return one((ends, direction) => {
    const own = ends.family === 4 ? ends.local : "10.0.0.11";
    const fields = {
      senderMac: senderMac ?? ends.mac,
      senderAddress: senderAddress ?? own,
      targetAddress: own,
    };
    return framed(ends, direction, everyone, arp({ operation, ...fields }));
  });
}

/** A neighbour discovery or listener message; `source` null: the interface's made link-local address. */
function nd(
  layersOf: (ends: Ends) => readonly Layer[],
  fields: { source?: string | null; hopLimit?: number } = {},
): Odd {
  return one((ends, direction) => {
    const source = fields.source ?? linkLocal(direction === "egress" ? ends.mac : gatewayMac);
    const head = ipv6({ source, destination: "ff02::1", hopLimit: fields.hopLimit ?? 255 });
    return framed(ends, direction, multicastMac("ff02::1"), head, ...layersOf(ends));
  });
}

/** A datagram of a family that the interface may not have: DHCP from and to wherever. */
function dhcpMessage(
  source: string,
  destination: string | null,
  ports: readonly [number, number],
  to = everyone,
): Odd {
  return one((ends, direction) => {
    const mac = to === "own" ? ends.mac : to;
    const addressed = { source, destination: destination ?? ends.local };
    const head = source.includes(":") ? ipv6(addressed) : ipv4(addressed);
    const body = source.includes(":")
      ? dhcpv6({ message: 1 })
      : dhcp({ operation: 1, message: 1, clientMac: ends.mac });
    if (source.includes(":") !== (destination ?? ends.local).includes(":"))
      return between(ends, direction, ...datagram);
    return framed(ends, direction, mac, head, udp({ sourcePort: ports[0], destinationPort: ports[1] }), body);
  });
}

/** A datagram cut into fragments at `at` bytes; the second one may lie to overlay the header. */
function cut(layers: readonly Layer[], at: number, order: "first" | "later" | "overlay" | "tiny"): Odd {
  return (ends, direction) => {
    const whole = segment(ip(ends, direction), ...layers, payload(32));
    const protocol = layers[0]?.protocol ?? 17;
    const part = (from: number, to: number | undefined, offset: number, more: boolean): Uint8Array => {
      const bytes = raw(whole.slice(from, to), { protocol });
      const head =
        ends.family === 4
          ? [ip(ends, direction, { identification: 7, fragmentOffset: offset, moreFragments: more })]
          : [ip(ends, direction), fragment({ identification: 7, offset, more })];
      return frame(link(ends, direction), ...head, bytes);
    };
    const first = part(0, at, 0, true);
    const later = part(at, undefined, at, false);
    if (order === "first") return [first, later];
    if (order === "later") return [later];
    if (order === "tiny") return [part(0, 8, 0, true), part(8, undefined, 8, false)];
    return [first, part(8, undefined, 8, false)];
  };
}

const withFields = (fields: Parameters<typeof ip>[2], ...layers: readonly Layer[]): Odd =>
  one((ends, direction) => frame(link(ends, direction), ip(ends, direction, fields), ...layers));

/** Extension headers, where the interface speaks IPv6; a plain datagram where it does not. */
const extended = (...layers: readonly Layer[]): Odd =>
  one((ends, direction) =>
    ends.family === 6 ? between(ends, direction, ...layers) : between(ends, direction, ...datagram),
  );

const tagged = (...ids: readonly number[]): Odd =>
  one((ends, direction) =>
    frame(link(ends, direction), ...ids.map((id) => vlan({ id })), ip(ends, direction), ...datagram),
  );

const longChain = Array.from({ length: 9 }, () => destinationOptions());

const odds: readonly Odd[] = [
  arps("request", null, null),
  arps("reply", null, "0.0.0.0"),
  arps("reply", strangerMac, null),
  arps("reply", null, "10.0.0.99"),
  arps("request", pools.vipMac, pools.vip4),
  one((ends, way) =>
    framed(
      ends,
      way,
      everyone,
      rarp({
        operation: "request",
        senderMac: ends.mac,
        senderAddress: "0.0.0.0",
        targetMac: ends.mac,
        targetAddress: "0.0.0.0",
      }),
    ),
  ),
  one((ends, way) =>
    framed(
      ends,
      way,
      everyone,
      arp({
        operation: 1,
        senderMac: ends.mac,
        senderAddress: "0.0.0.0",
        targetAddress: "0.0.0.0",
        hardwareLength: 8,
      }),
    ),
  ),
  nd((ends) => [
    neighbourSolicitation(ends.family === 6 ? ends.local : "2001:db8::1", sourceLinkLayer(ends.mac)),
  ]),
  nd((ends) => [neighbourSolicitation(ends.family === 6 ? ends.local : "2001:db8::1")], { source: "::" }),
  nd((ends) => [neighbourAdvertisement(linkLocal(ends.mac), targetLinkLayer(ends.mac))]),
  nd((ends) => [neighbourAdvertisement("2001:db8::99", targetLinkLayer(ends.mac))]),
  nd((ends) => [neighbourAdvertisement(linkLocal(ends.mac), targetLinkLayer(strangerMac))]),
  nd((ends) => [neighbourSolicitation(linkLocal(ends.mac), sourceLinkLayer(strangerMac))], { hopLimit: 64 }),
  nd((ends) => [neighbourSolicitation(linkLocal(ends.mac))], { hopLimit: 64 }),
  nd((ends) => [neighbourSolicitation(linkLocal(ends.mac))], { source: "fe80::abcd" }),
  nd((ends) => [neighbourSolicitation(linkLocal(ends.mac))], { source: pools.gateway6 }),
  nd((ends) => [fragment({}), neighbourSolicitation(linkLocal(ends.mac))]),
  nd(() => [routerSolicitation()]),
  nd(() => [routerSolicitation()], { source: "::" }),
  nd(() => [routerAdvertisement()]),
  nd(() => [redirect("fe80::2", "2001:db8::9")]),
  nd((ends) => [hopByHop(routerAlert6), mldv2Report(linkLocal(ends.mac))], { hopLimit: 1, source: "::" }),
  nd(() => [hopByHop(routerAlert6), mld(130)], { hopLimit: 1 }),
  nd(() => [hopByHop(routerAlert6), mld(131, "ff02::1:ff00:11")], { hopLimit: 64 }),
  one((ends, way) => {
    const addressed = {
      source: way === "egress" ? "0.0.0.0" : "10.0.0.1",
      destination: "224.0.0.22",
      ttl: 1,
    };
    const type = way === "egress" ? 0x16 : 0x11;
    return framed(ends, way, multicastMac("224.0.0.22"), ipv4(addressed), igmp({ type }));
  }),
  withFields({ ttl: 64, hopLimit: 64 }, igmp({ type: 0x16 })),
  dhcpMessage("0.0.0.0", "255.255.255.255", [68, 67]),
  dhcpMessage("192.0.2.1", "255.255.255.255", [67, 68]),
  dhcpMessage("192.0.2.1", null, [67, 68], "own"),
  dhcpMessage("0.0.0.0", "192.0.2.1", [68, 67], gatewayMac),
  dhcpMessage("fe80::abcd", "ff02::1:2", [546, 547], "33:33:00:01:00:02"),
  dhcpMessage("fe80::1", "fe80::abcd", [547, 546], "own"),
  one((ends, way) =>
    between(ends, way, udp({ sourcePort: 67, destinationPort: ends.family === 4 ? 68 : 546 })),
  ),
  one((ends, way) =>
    frame(ethernet({ source: strangerMac, destination: strangerMac }), ip(ends, way), ...datagram),
  ),
  one((ends, way) =>
    frame(ethernet({ source: ends.mac, destination: strangerMac }), ip(ends, way), ...datagram),
  ),
  one((ends, way) =>
    between({ ...ends, local: ends.family === 4 ? "10.0.0.99" : "2001:db8::99" }, way, ...datagram),
  ),
  one((ends, way) => between({ ...ends, remote: ends.local }, way, ...datagram)),
  one((ends, way) =>
    between({ ...ends, local: ends.family === 4 ? pools.vip4 : pools.vip6 }, way, ...datagram),
  ),
  one((ends, way) =>
    between({ ...ends, remote: ends.family === 4 ? "255.255.255.255" : "ff02::fb" }, way, ...datagram),
  ),
  one((ends, way) =>
    between({ ...ends, remote: ends.family === 4 ? "224.0.0.251" : "ff02::1" }, way, ...datagram),
  ),
  one((ends, way) => between({ ...ends, remote: ends.family === 4 ? "127.0.0.1" : "::1" }, way, ...datagram)),
  one((ends, way) =>
    between({ ...ends, remote: ends.family === 4 ? "10.0.0.1" : "::ffff:10.0.0.1" }, way, ...datagram),
  ),
  one((ends, way) =>
    between(ends, way, ends.family === 4 ? icmp({ type: 5, rest: 0 }) : icmpv6({ type: 4, rest: 0 })),
  ),
  withFields({ options: sourceRoute(131, "198.51.100.1") }, ...datagram),
  withFields({ options: Uint8Array.of(7, 99) }, ...datagram),
  withFields({ totalLength: 9999, payloadLength: 9999 }, ...datagram),
  withFields({ totalLength: 10, payloadLength: 4 }, ...datagram),
  withFields({ version: 5 }, ...datagram),
  one((ends, way) => between(ends, way, udp({ sourcePort: 1, destinationPort: 53, length: 7 }))),
  one((ends, way) => between(ends, way, udp({ sourcePort: 1, destinationPort: 53, length: 99 }))),
  one((ends, way) => between(ends, way, udp({ sourcePort: 1, destinationPort: 53, length: 8 }), payload(20))),
  ...["", "SF", "SR", "FPU"].map((flags) =>
    one((ends, way) => between(ends, way, tcp({ sourcePort: 1, destinationPort: 80, flags }))),
  ),
  one((ends, way) => between(ends, way, tcp({ sourcePort: 1, destinationPort: 80, dataOffset: 16 }))),
  one((ends, way) => between(ends, way, syn, payload(40)).slice(0, 44)),
  extended(hopByHop(), destinationOptions(), syn),
  extended(fragment({}), ...datagram),
  extended(fragment({}), fragment({}), ...datagram),
  extended(routing({ type: 0, segmentsLeft: 1, addresses: ["2001:db8::1"] }), ...datagram),
  extended(routing({ type: 2, segmentsLeft: 0, addresses: ["2001:db8::1"] }), ...datagram),
  extended(...longChain, ...datagram),
  extended(extension(60, { data: new Uint8Array(600) }), ...datagram),
  extended(extension(135), syn),
  extended(),
  cut([udp({ sourcePort: 53, destinationPort: 53, length: 40 })], 16, "first"),
  cut([udp({ sourcePort: 53, destinationPort: 53, length: 40 })], 16, "later"),
  cut([syn], 24, "first"),
  cut([syn], 24, "overlay"),
  cut([syn], 24, "tiny"),
  tagged(pools.vlan),
  tagged(0),
  tagged(0, pools.vlan),
  tagged(5),
  tagged(pools.vlan, 0, 0),
  one((ends, way) =>
    framed(
      ends,
      way,
      way === "egress" ? everyone : ends.mac,
      raw(new Uint8Array(46), { etherType: pools.etherType }),
    ),
  ),
  one((ends, way) => framed(ends, way, everyone, raw(new Uint8Array(46), { etherType: 0x88cc }))),
  one((ends, way) => between(ends, way, ...datagram).slice(0, 14)),
];

/** Some odd frames in a row at one interface, mostly of one kind. */
export function arbitraryOdd(model: Model): fc.Arbitrary<Talk> {
  const direction = fc.constantFrom<Direction>("egress", "ingress");
  return fc
    .tuple(arbitraryEnds(model), direction, fc.constantFrom(...odds), fc.integer({ min: 1, max: 3 }))
    .map(([ends, way, odd, times]) => {
      const steps = odd(ends, way).map((bytes): Step => ({ direction: way, frame: bytes, wait: 0 }));
      return { interface: ends.interface.id, steps: Array.from({ length: times }, () => steps).flat() };
    });
}
