/** Packets of sessions as an interface meets them: the one that opens, and the ones that follow either way. */
import { formatAddress } from "../../src/model/cidr.ts";
import { formatMac } from "../../src/model/mac.ts";
import type { Address, Direction, Interface } from "../../src/model/model.ts";
import { gatewayMac } from "./bed.ts";
import { ethernet, frame, type Layer, raw } from "./packet.ts";
import { ipv4, ipv6 } from "./packet-ip.ts";
import { icmp, icmpv6, tcp, udp } from "./packet-transport.ts";

export interface SessionEnds {
  readonly origin: Direction;
  readonly protocol: number;
  readonly local: Address;
  readonly remote: Address;
  /** ICMP: the identifier, in both. */
  readonly localPort: number;
  readonly remotePort: number;
}

/** `flags`: of TCP. `asks`: an ICMP request, else the answer to one. */
function transport(ends: SessionEnds, direction: Direction, flags: string, asks: boolean): Layer {
  const { protocol, localPort, remotePort, remote } = ends;
  const [sourcePort, destinationPort] =
    direction === "egress" ? [localPort, remotePort] : [remotePort, localPort];
  switch (protocol) {
    case 6:
      return tcp({
        sourcePort,
        destinationPort,
        flags,
        sequence: 1,
        acknowledgement: flags.includes("A") ? 1 : 0,
      });
    case 17:
      return udp({ sourcePort, destinationPort });
    case 1:
      return icmp({ type: asks ? 8 : 0, identifier: localPort });
    case 58:
      return remote.family === 6
        ? icmpv6({ type: asks ? 128 : 129, identifier: localPort })
        : raw(new Uint8Array(16), { protocol });
    default:
      return raw(new Uint8Array(16), { protocol });
  }
}

/** A packet of the session in this direction. `flags`: of TCP, whose SYN opens and whose ACK follows. */
export function sessionFrame(
  own: Interface,
  ends: SessionEnds,
  direction: Direction,
  flags: string,
): Uint8Array {
  const [local, remote] = [formatAddress(ends.local), formatAddress(ends.remote)];
  const [source, destination] = direction === "egress" ? [local, remote] : [remote, local];
  const macs = { own: formatMac(own.mac), far: gatewayMac };
  return frame(
    direction === "egress"
      ? ethernet({ source: macs.own, destination: macs.far })
      : ethernet({ source: macs.far, destination: macs.own }),
    ends.remote.family === 4 ? ipv4({ source, destination }) : ipv6({ source, destination }),
    transport(ends, direction, flags, direction === ends.origin),
  );
}
