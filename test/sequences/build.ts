/** The frame that a packet of a script is, in a family. */
import type { Family } from "../../src/model/model.ts";
import { addressOf, placeOfInterface } from "../semantics/places.ts";
import { into, ipLayer, out, type Way } from "../semantics/steps.ts";
import { gatewayMac } from "../support/bed.ts";
import {
  destinationOptions,
  extension,
  fragment,
  hopByHop,
  icmp,
  icmpv6,
  type Layer,
  mld,
  mldv2Report,
  neighbourAdvertisement,
  neighbourSolicitation,
  payload,
  raw,
  redirect,
  routerAdvertisement,
  routerAlert4,
  routerAlert6,
  routerSolicitation,
  routing,
  segment,
  sourceLinkLayer,
  sourceRoute,
  targetLinkLayer,
  tcp,
  udp,
} from "../support/packet.ts";
import type { Body, EchoName, ErrorName, ExtraName, NeighbourName, PacketSpec } from "./script.ts";

const ethernetBytes = 14;
const errorTypes: Readonly<Record<ErrorName, readonly [number, number]>> = {
  unreachable: [3, 1],
  "too-big": [3, 2],
  "time-exceeded": [11, 3],
  "parameter-problem": [12, 4],
  redirect: [5, 137],
};
const echoTypes: Readonly<Record<EchoName, readonly [number, number]>> = {
  echo: [8, 128],
  "echo-reply": [0, 129],
  timestamp: [13, 13],
  "timestamp-reply": [14, 14],
};

/** IPv4 options: 4 bytes, no operation and end of list. */
const plainOptions4 = Uint8Array.of(1, 1, 1, 0);

type Quote = (label: string) => PacketSpec;

export interface Ends {
  readonly from: string;
  readonly to: string;
}

/** Who sends and who receives, as addresses or names. */
export function endsOf(packet: PacketSpec): Ends {
  const own = placeOfInterface(packet.on).name;
  const [from, to] = packet.direction === "egress" ? [own, "peer"] : ["peer", own];
  return { from: packet.from ?? from, to: packet.to ?? to };
}

function icmpLayer(family: Family, types: readonly [number, number], fields: object): Layer {
  return family === 4 ? icmp({ type: types[0], ...fields }) : icmpv6({ type: types[1], ...fields });
}

/** `too-big` is a code of destination unreachable in IPv4, and a type in IPv6. */
function errorLayer(body: Extract<Body, { kind: "error" }>, family: Family, checksum: object): Layer {
  const { name, value } = body;
  const fields = name === "too-big" ? { code: family === 4 ? 4 : 0, rest: value } : { code: value };
  return icmpLayer(family, errorTypes[name], { ...fields, ...checksum });
}

function neighbourLayer(name: NeighbourName, mac: string, { from, to }: Ends, own: string): Layer {
  switch (name) {
    case "neighbour-solicitation":
      return neighbourSolicitation("fe80::1", sourceLinkLayer(mac));
    case "neighbour-advertisement":
      return neighbourAdvertisement(addressOf(from, 6), targetLinkLayer(mac));
    case "router-solicitation":
      return routerSolicitation(sourceLinkLayer(mac));
    case "router-advertisement":
      return routerAdvertisement(sourceLinkLayer(mac));
    case "listener-query":
      return mld(130);
    case "listener-report":
      return mld(131, addressOf(to, 6));
    case "listener-report-v2":
      return mldv2Report("ff02::1:3");
    case "nd-redirect":
      return redirect(own, addressOf(to, 6), targetLinkLayer(mac));
    default: {
      const never: never = name;
      return never;
    }
  }
}

function extraLayers(extra: ExtraName | null): readonly Layer[] {
  switch (extra) {
    case null:
      return [];
    case "options":
    case "destination-options":
      return [destinationOptions()];
    case "alert":
      return [hopByHop(routerAlert6)];
    case "source-route":
      return [routing({ type: 0, segmentsLeft: 1, addresses: ["2001:db8:fffe::9"] })];
    case "hip":
      return [extension(139, { data: new Uint8Array(38) })];
    case "chain":
      return Array.from({ length: 9 }, () => destinationOptions());
    default: {
      const never: never = extra;
      return never;
    }
  }
}

function options4(extra: ExtraName | null): Uint8Array | null {
  if (extra === "options") return plainOptions4;
  if (extra === "alert") return routerAlert4;
  return extra === "source-route" ? sourceRoute(131, "203.0.113.9") : null;
}

/** Layers behind the IP header, without what stands between. */
function bodyLayers(packet: PacketSpec, family: Family, quote: Quote): readonly Layer[] {
  const { body } = packet;
  const checksum = packet.wrongChecksum ? { checksum: 0xdead } : {};
  switch (body.kind) {
    case "tcp": {
      const { ports, flags, sequence, length, acknowledgement } = body;
      const [sourcePort, destinationPort] = [ports.source, ports.destination];
      return [
        tcp({ sourcePort, destinationPort, flags, sequence, acknowledgement, ...checksum }),
        payload(length),
      ];
    }
    case "udp": {
      const [sourcePort, destinationPort] = [body.ports.source, body.ports.destination];
      return [udp({ sourcePort, destinationPort, ...checksum }), payload(body.length)];
    }
    case "echo":
      return [
        icmpLayer(family, echoTypes[body.name], { identifier: body.identifier, ...checksum }),
        payload(body.length),
      ];
    case "protocol":
      return [raw(new Uint8Array(body.length), { protocol: body.number })];
    case "neighbour": {
      const own = placeOfInterface(packet.on);
      const mac = packet.direction === "egress" ? own.mac : gatewayMac;
      return [neighbourLayer(body.name, mac, endsOf(packet), addressOf(own.name, 6))];
    }
    case "error":
      return [errorLayer(body, family, checksum), raw(quotedBytes(body, family, quote), {})];
    default: {
      const never: never = body;
      return never;
    }
  }
}

/** Bytes of the packet behind its Ethernet header, cut where the script says. */
function quotedBytes(body: Extract<Body, { kind: "error" }>, family: Family, quote: Quote): Uint8Array {
  const quoted = quote(body.quoted);
  const bytes = buildFrame(quoted, family, quote).slice(ethernetBytes);
  if (body.cut === null) return bytes;
  const header = family === 4 ? 20 + (options4(quoted.extra)?.length ?? 0) : 40;
  return bytes.slice(0, header + body.cut);
}

/** What stands behind the IP header: of a fragment its header and its bytes. */
function insideOf(packet: PacketSpec, family: Family, quote: Quote): readonly Layer[] {
  const { part, extra } = packet;
  const between = family === 6 ? extraLayers(extra) : [];
  const body = bodyLayers(packet, family, quote);
  if (part === null) return [...between, ...body];
  const { from, to } = endsOf(packet);
  const isBehind = extra === "destination-options";
  const cut = [...(isBehind ? between : []), ...body];
  const whole = segment(ipLayer(family, from, to), ...cut);
  const piece = raw(whole.slice(part.first, part.end), { protocol: cut[0]?.protocol ?? 59 });
  if (family === 4) return [piece];
  const more = part.end < whole.length;
  return [
    ...(isBehind ? [] : between),
    fragment({ offset: part.first, more, identification: part.id }),
    piece,
  ];
}

/** Bytes of the whole datagram behind the IP header, fragment header aside. */
function datagramLength(packet: PacketSpec, family: Family, quote: Quote): number {
  const { from, to } = endsOf(packet);
  return segment(ipLayer(family, from, to), ...bodyLayers(packet, family, quote)).length;
}

function wayOf(packet: PacketSpec, family: Family, quote: Quote): Way {
  const { part, hops, extra } = packet;
  const options = options4(extra);
  const fields = part === null ? {} : partFields(part, datagramLength(packet, family, quote));
  return {
    on: packet.on,
    ...endsOf(packet),
    ip4: {
      ...(hops === null ? {} : { ttl: hops }),
      ...(options === null ? {} : { options }),
      ...fields,
    },
    ip6: hops === null ? {} : { hopLimit: hops },
  };
}

function partFields({ first, end, id }: NonNullable<PacketSpec["part"]>, length: number) {
  return { fragmentOffset: first, moreFragments: end < length, identification: id };
}

/** `quote` finds an earlier packet by its label. */
export function buildFrame(packet: PacketSpec, family: Family, quote: Quote): Uint8Array {
  const step = packet.direction === "egress" ? out : into;
  const built = step((of) => insideOf(packet, of, quote), "", wayOf(packet, family, quote));
  if (built.kind !== "packet") throw new Error("a packet's step is of another kind");
  return built.frame(family);
}
