/** The two ends of a packet at an interface, and frames between them. */
import fc from "fast-check";
import type { Direction, Interface, Model } from "../../src/model/model.ts";
import { pools } from "./arbitrary-model.ts";
import { gatewayMac } from "./bed.ts";
import {
  ethernet,
  frame,
  type Ipv4Fields,
  type Ipv6Fields,
  ipv4,
  ipv6,
  type Layer,
  linkLocal,
  multicastMac,
} from "./packet.ts";

export interface Ends {
  readonly interface: Interface;
  readonly family: 4 | 6;
  readonly mac: string;
  readonly local: string;
  readonly remote: string;
}

export function textOf(bits: bigint, family: 4 | 6): string {
  const hex = bits.toString(16).padStart(family === 4 ? 8 : 32, "0");
  return family === 4
    ? (hex.match(/../g) ?? []).map((byte) => Number.parseInt(byte, 16)).join(".")
    : (hex.match(/..../g) ?? []).join(":");
}

export function macText(mac: bigint): string {
  return (mac.toString(16).padStart(12, "0").match(/../g) ?? []).join(":");
}

/** An address of the family that the interface may use for any traffic. */
export function ownAddress(own: Interface, family: 4 | 6): string {
  const listed = own.addresses.find((address) => address.family === family);
  if (listed !== undefined) return textOf(listed.bits, family);
  return family === 6 ? linkLocal(macText(own.mac)) : "10.0.0.77";
}

/** Far ends: members of its network, members' link-local addresses, strangers, its VIP. */
function remotesOf(model: Model, own: Interface, family: 4 | 6): readonly string[] {
  const others = [...model.interfaces.values()].filter(
    (other) => other.id !== own.id && other.network === own.network,
  );
  const members = others.flatMap((other) => [
    ...other.addresses.filter((address) => address.family === family).map(({ bits }) => textOf(bits, family)),
    ...(family === 6 ? [linkLocal(macText(other.mac))] : []),
  ]);
  return [...members, ...(family === 4 ? pools.outside4 : pools.outside6)];
}

/** This host's interfaces of a model. */
export function interfacesHere(model: Model): readonly Interface[] {
  return [...model.interfaces.values()].filter((own) => own.hosts.length === 0);
}

export function arbitraryEnds(model: Model): fc.Arbitrary<Ends> {
  return fc
    .tuple(fc.constantFrom(...interfacesHere(model)), fc.constantFrom<4 | 6>(4, 6))
    .chain(([own, family]) =>
      fc.constantFrom(...remotesOf(model, own, family)).map((remote) => ({
        interface: own,
        family,
        mac: macText(own.mac),
        local: ownAddress(own, family),
        remote,
      })),
    );
}

/** The Ethernet header of a packet at the interface; a group address has its own MAC. */
export function link(ends: Ends, direction: Direction): Layer {
  const group = /^(22[4-9]|23\d|ff)/.test(ends.remote) ? multicastMac(ends.remote) : gatewayMac;
  return direction === "egress"
    ? ethernet({ source: ends.mac, destination: group })
    : ethernet({ source: gatewayMac, destination: ends.mac });
}

/** The IP header of a packet at the interface. */
export function ip(
  ends: Ends,
  direction: Direction,
  fields: Partial<Ipv4Fields> & Partial<Ipv6Fields> = {},
): Layer {
  const [source, destination] =
    direction === "egress" ? [ends.local, ends.remote] : [ends.remote, ends.local];
  const addressed = { source, destination, ...fields };
  return ends.family === 4 ? ipv4(addressed) : ipv6(addressed);
}

export function between(ends: Ends, direction: Direction, ...layers: readonly Layer[]): Uint8Array {
  return frame(link(ends, direction), ip(ends, direction), ...layers);
}
