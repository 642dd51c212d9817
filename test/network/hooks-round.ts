/** One round of exchanges over every way, and what the devices and the programs counted of it. */
import type { PacketCounter, PacketEvent } from "../../src/kernel/status.ts";
import { formatAddress } from "../../src/model/cidr.ts";
import type { Address } from "../../src/model/model.ts";
import type { Driver } from "../kernel/namespace.ts";
import { isDirect } from "../support/forwarding.ts";
import {
  addressesOf,
  type EndName,
  type GuestNumber,
  type HooksBed,
  type HostName,
  hostOf,
  isGuest,
} from "./hooks-bed.ts";

interface Way {
  readonly name: string;
  readonly from: EndName;
  readonly to: EndName;
}

const way = (name: string, from: EndName, to: EndName): Way => ({
  name: `${name}, ${from} to ${to}`,
  from,
  to,
});

export const ways: readonly Way[] = [
  way("the same bridge", 1, 2),
  way("a routed host", 3, 4),
  way("bridge to routed", 1, 3),
  way("routed to bridge", 4, 2),
  way("tunnel", 1, 5),
  way("tunnel", 5, 2),
  way("routed, then tunnel", 3, 5),
  way("tunnel, then routed", 5, 4),
  way("host to bridged guest", "host", 1),
  way("host to routed guest", "host", 3),
  way("host to the other host's guest", "host", 5),
  way("uplink to bridged guest", "wan", 2),
  way("uplink to routed guest", "wan", 4),
  way("uplink, then tunnel", "wan", 5),
  way("bridged guest to host", 2, "host"),
  way("routed guest to uplink", 4, "wan"),
  way("tunnel, then uplink", 5, "wan"),
];

/** `decider`: who refuses it; null: it is answered. */
export interface Exchange extends Way {
  readonly protocol: "tcp" | "udp" | "icmp";
  readonly host: string;
  readonly port: number;
  readonly decider: GuestNumber | null;
  readonly direction: "egress" | "ingress";
}

export const served = { tcp: [8080, 8081], udp: [9080, 9081, 9082] } as const;

/** Every exchange of a way, both families. */
function exchangesOf(one: Way): Exchange[] {
  const { main, quiet } = addressesOf(one.to);
  const receiver = isGuest(one.to) ? one.to : null;
  const sender = isGuest(one.from) ? one.from : null;
  const ingress = { ...one, direction: "ingress" } as const;
  return [0, 1].flatMap((family) => {
    const host = main[family === 0 ? 0 : 1];
    const echo = { protocol: "icmp", port: 0 } as const;
    const toQuiet = { ...ingress, ...echo, host: quiet[family === 0 ? 0 : 1], decider: receiver };
    return [
      { ...ingress, protocol: "tcp", host, port: 8080, decider: null },
      { ...ingress, protocol: "tcp", host, port: 8081, decider: receiver },
      { ...ingress, protocol: "udp", host, port: 9080, decider: null },
      { ...ingress, protocol: "udp", host, port: 9081, decider: receiver },
      { ...one, direction: "egress", protocol: "udp", host, port: 9082, decider: sender },
      { ...ingress, ...echo, host, decider: null },
      ...(receiver === null ? [] : [toQuiet]),
    ] satisfies Exchange[];
  });
}

export const exchanges: readonly Exchange[] = ways.flatMap(exchangesOf);

export const isAnswered = ({ decider }: Exchange): boolean => decider === null;
export const answered = exchanges.filter(isAnswered);
export const denied = exchanges.filter(({ decider }) => decider !== null);

export const nameOf = ({ name, protocol, host, port }: Exchange): string =>
  `${name}: ${protocol} ${host} ${port}`;

/** Asks all at once, each from its own end. Names of those that were answered: all that are due are waited for. */
export async function exchangeAll(
  ends: ReadonlyMap<EndName, Driver>,
  isDue: (exchange: Exchange) => boolean,
): Promise<ReadonlySet<string>> {
  const batches = [...ends].map(async ([name, end]) => {
    const asked = exchanges.filter(({ from }) => from === name);
    const due = asked.map((one) => ({ ...one, due: isDue(one) }));
    const heard = await end.call<boolean[]>("exchange", due);
    return asked.filter((_, index) => heard[index]).map(nameOf);
  });
  return new Set((await Promise.all(batches)).flat());
}

/** Frames of one guest's device: by its own statistics, and as they were judged. */
export interface Frames {
  readonly sent: number;
  readonly received: number;
  readonly judgedSent: number;
  readonly judgedReceived: number;
  readonly refused: number;
}

const noFrames: Frames = { sent: 0, received: 0, judgedSent: 0, judgedReceived: 0, refused: 0 };

interface LinkStatistics {
  readonly ifname: string;
  readonly stats64: { readonly rx: { packets: number; dropped: number }; readonly tx: { packets: number } };
}

function readDevices(bed: HooksBed): ReadonlyMap<string, LinkStatistics["stats64"]> {
  const links = (["a", "b"] as const).flatMap((host): LinkStatistics[] =>
    JSON.parse(bed.hosts[host].ip("-j", "-s", "link", "show")),
  );
  return new Map(
    links.filter(({ ifname }) => ifname.startsWith("tap")).map((link) => [link.ifname, link.stats64]),
  );
}

/** `droppedApart`: the devices count dropped frames apart from received ones. Both at one moment: the devices counted nothing while the programs' counters were read. */
export async function readFrames(
  bed: HooksBed,
  drivers: Readonly<Record<HostName, Driver>>,
  droppedApart: boolean,
): Promise<ReadonlyMap<GuestNumber, Frames>> {
  for (;;) {
    const devices = readDevices(bed);
    const counters = (
      await Promise.all([drivers.a, drivers.b].map((driver) => driver.call<PacketCounter[]>("counters")))
    ).flat();
    if (JSON.stringify([...devices]) !== JSON.stringify([...readDevices(bed)])) continue;
    return new Map(
      [...bed.guests.keys()].map((guest) => [
        guest,
        framesOf(devices.get(`tap${guest}`), counters, guest, droppedApart),
      ]),
    );
  }
}

function framesOf(
  device: LinkStatistics["stats64"] | undefined,
  counters: readonly PacketCounter[],
  guest: GuestNumber,
  droppedApart: boolean,
): Frames {
  const judged = (direction: string, verdict?: string): number =>
    counters
      .filter((one) => one.interface === `eni-${guest}` && one.direction === direction)
      .filter((one) => verdict === undefined || one.verdict === verdict)
      .reduce((sum, { packets }) => sum + Number(packets), 0);
  return {
    sent: (device?.rx.packets ?? 0) + (droppedApart ? (device?.rx.dropped ?? 0) : 0),
    received: device?.tx.packets ?? 0,
    judgedSent: judged("egress"),
    judgedReceived: judged("ingress", "accept"),
    refused: judged("egress", "drop") + judged("ingress", "drop"),
  };
}

export function grown(after: Frames | undefined, before: Frames | undefined): Frames {
  const [now, then] = [after ?? noFrames, before ?? noFrames];
  return {
    sent: now.sent - then.sent,
    received: now.received - then.received,
    judgedSent: now.judgedSent - then.judgedSent,
    judgedReceived: now.judgedReceived - then.judgedReceived,
    refused: now.refused - then.refused,
  };
}

/** An address as the driver's JSON has it: bigints are text. */
const textOf = (address: Address | null): string =>
  address === null ? "" : formatAddress({ family: address.family, bits: BigInt(address.bits) });

const protocols = new Map([
  [6, "tcp"],
  [17, "udp"],
  [1, "icmp"],
  [58, "icmp"],
]);

/** What drop events say of refused exchanges: how often each was refused, and at which hooks. */
export function refusals(events: readonly PacketEvent[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const event of events) {
    const one = exchanges.find(
      ({ from, host, port, protocol, decider, direction }) =>
        event.interface === `eni-${decider}` &&
        event.direction === direction &&
        protocols.get(event.protocol) === protocol &&
        textOf(event.destination) === host &&
        event.destinationPort === port &&
        addressesOf(from).main.includes(textOf(event.source)),
    );
    const name = one === undefined ? describe(event) : nameOf(one);
    found.set(name, [...(found.get(name) ?? []), event.hook]);
  }
  return found;
}

const describe = ({
  interface: id,
  direction,
  reason,
  source,
  destination,
  protocol,
  destinationPort,
}: PacketEvent) =>
  `${id} ${direction} ${reason}: ${textOf(source)} to ${textOf(destination)} ${protocol} ${destinationPort}`;

/** Where the exchange may be refused. */
export function hooksOf(
  { from, decider, direction, protocol, host }: Exchange,
  mode: "native" | "generic" | "tc",
  uplink: boolean,
): readonly PacketEvent["hook"][] {
  if (direction === "egress") return [mode === "tc" ? "tc-ingress" : "xdp"];
  if (uplink && from === "wan" && decider !== null && hostOf(decider) === "a") return ["uplink"];
  // Past the bridge, at the sender's device; now and then the bridge is shown a frame.
  const isPast = isDirect && mode === "native" && from === 1 && decider === 2;
  const isPlain = protocol !== "icmp" || !host.includes(":");
  return isPast && isPlain ? ["xdp", "tc-egress"] : ["tc-egress"];
}
