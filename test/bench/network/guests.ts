/**
 * The guests of every lane: 1 and 2 send and count raw frames, 3 and 4 have a stack.
 *
 *   ends: LANE1 ─ tap1 ─┐               ┌─ tap3 ─ eth0: 10.0.0.3, a namespace of its own
 *                       ├─ br0 (a host) ┤
 *   ends: LANE2 ─ tap2 ─┘               └─ tap4 ─ eth0: 10.0.0.4, a namespace of its own
 *
 * The namespace `ends` has the frame guests of all lanes, so that one process works on all of them.
 */
import { addBridge, type Links, type Place } from "../../network/links.ts";
import { ethernet, frame, ipv4, payload, toHex, udp } from "../../support/packet.ts";

export const guests = [1, 2, 3, 4] as const;
export type Guest = (typeof guests)[number];

export const macOf = (guest: Guest): string => `02:00:00:00:00:0${guest}`;
export const addressOf = (guest: Guest): string => `10.0.0.${guest}`;
export const tapOf = (guest: Guest): string => `tap${guest}`;
export const bridge = "br0";

/** What a guest sends to another: 60 bytes, UDP; frames.bpf.c gives each the ports of its flow. */
export function buildFrame(from: Guest, to: Guest): string {
  return toHex(
    frame(
      ethernet({ source: macOf(from), destination: macOf(to) }),
      ipv4({ source: addressOf(from), destination: addressOf(to) }),
      udp({ sourcePort: 1024, destinationPort: 40_000 }),
      payload(18),
    ),
  );
}

/** A host with its guests. */
export interface Bed {
  readonly host: Place;
  /** In `ends`. */
  readonly sender: string;
  readonly receiver: string;
  readonly client: Place;
  readonly server: Place;
}

function connect(links: Links, host: Place, guest: Guest, place: Place, device: string): void {
  links.connect({ place: host, device: tapOf(guest) }, { place, device, mac: macOf(guest) });
  // Frames that XDP sends into a veth are taken only where the other end polls, which aggregation makes it do.
  host.run("ethtool", ["-K", tapOf(guest), "gro", "on"]);
}

/** A lane's host and guests; the guests are on its bridge unless something else switches. */
export function makeBed(links: Links, lane: string, ends: Place, bridged: boolean): Bed {
  const host = links.add(lane);
  const [client, server] = [links.add(`${lane}-3`), links.add(`${lane}-4`)];
  const bed = { host, sender: `${lane}1`, receiver: `${lane}2`, client, server };
  if (bridged) addBridge(host, bridge);
  connect(links, host, 1, ends, bed.sender);
  connect(links, host, 2, ends, bed.receiver);
  connect(links, host, 3, client, "eth0");
  connect(links, host, 4, server, "eth0");
  client.ip("addr", "add", `${addressOf(3)}/24`, "dev", "eth0");
  server.ip("addr", "add", `${addressOf(4)}/24`, "dev", "eth0");
  if (bridged) for (const guest of guests) host.ip("link", "set", tapOf(guest), "master", bridge);
  return bed;
}
