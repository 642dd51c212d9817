/** Frames that look like an established session's, but are not: the express way must not take them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import type { Direction } from "../../src/model/model.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { bed, gatewayMac, guestMac } from "../support/bed.ts";
import {
  ethernet,
  fragment,
  frame,
  hopByHop,
  ipv4,
  ipv6,
  type Layer,
  payload,
  raw,
  routerAlert6,
  type TcpFields,
  tcp,
  udp,
  vlan,
} from "../support/packet.ts";
import { objectPath } from "./host.ts";

const model = bed([]);
const resolved = resolve(model, { host: "" });
const start = 1_000_000;

const addresses = {
  4: { guest: "192.0.2.11", peer: "198.51.100.80" },
  6: { guest: "2001:db8:1::11", peer: "2001:db8:ffff::80" },
} as const;
type Family = keyof typeof addresses;

const link = (direction: Direction, ...layers: Layer[]): Uint8Array =>
  frame(
    direction === "egress"
      ? ethernet({ source: guestMac, destination: gatewayMac })
      : ethernet({ source: gatewayMac, destination: guestMac }),
    ...layers,
  );

function network(family: Family, direction: Direction, fields = {}): Layer {
  const { guest, peer } = addresses[family];
  const ends =
    direction === "egress" ? { source: guest, destination: peer } : { source: peer, destination: guest };
  return family === 4 ? ipv4({ ...ends, ...fields }) : ipv6({ ...ends, ...fields });
}

const segment = (direction: Direction, fields: Partial<TcpFields> = {}): Layer =>
  tcp(
    direction === "egress"
      ? {
          sourcePort: 40443,
          destinationPort: 443,
          sequence: 1001,
          acknowledgement: 5001,
          flags: "A",
          ...fields,
        }
      : {
          sourcePort: 443,
          destinationPort: 40443,
          sequence: 5001,
          acknowledgement: 1001,
          flags: "A",
          ...fields,
        },
  );
const datagram = (direction: Direction): Layer =>
  direction === "egress"
    ? udp({ sourcePort: 40053, destinationPort: 53 })
    : udp({ sourcePort: 53, destinationPort: 40053 });

const data = payload(10);
const families: readonly Family[] = [4, 6];
const directions: readonly Direction[] = ["egress", "ingress"];

interface Sent {
  readonly direction: Direction;
  readonly bytes: Uint8Array;
}

/** A TCP and a UDP session of each family that both sides proved. */
const opening: readonly Sent[] = families.flatMap((family) => {
  const at = (direction: Direction, ...layers: Layer[]) => ({
    direction,
    bytes: link(direction, network(family, direction), ...layers),
  });
  return [
    at("egress", segment("egress", { flags: "S", sequence: 1000, acknowledgement: 0 })),
    at("ingress", segment("ingress", { flags: "SA", sequence: 5000 })),
    at("egress", segment("egress")),
    at("egress", datagram("egress"), data),
    at("ingress", datagram("ingress"), data),
  ];
});

/** By name: what is done to a frame of a live session. */
function impostors(family: Family, direction: Direction): Record<string, Uint8Array> {
  const own = (...layers: Layer[]) => link(direction, ...layers);
  const ip = (fields = {}) => network(family, direction, fields);
  const whole = [ip(), segment(direction), data] as const;
  const { guest, peer } = addresses[4];
  const mapped = { guest: `::ffff:${guest}`, peer: `::ffff:${peer}` };
  const mappedEnds =
    direction === "egress"
      ? { source: mapped.guest, destination: mapped.peer }
      : { source: mapped.peer, destination: mapped.guest };
  const wrongMac =
    direction === "egress"
      ? ethernet({ source: "02:00:00:00:09:09", destination: gatewayMac })
      : ethernet({ source: gatewayMac, destination: "02:00:00:00:09:09" });
  return {
    "another MAC": frame(wrongMac, ...whole),
    "a VLAN tag": own(vlan({ id: 7 }), ...whole),
    "a priority tag": own(vlan({ id: 0 }), ...whole),
    "IPv4 addresses mapped into IPv6": own(ipv6(mappedEnds), segment(direction), data),
    "a reset at the next sequence of nothing": own(ip(), segment(direction, { flags: "R", sequence: 9 })),
    "a SYN": own(ip(), segment(direction, { flags: "S" })),
    "no flag at all": own(ip(), segment(direction, { flags: "" })),
    "SYN and FIN": own(ip(), segment(direction, { flags: "SF" })),
    "a header that ends too soon": own(ip(), segment(direction, { dataOffset: 16 })),
    "a header longer than the packet": own(ip(), segment(direction, { dataOffset: 60 })),
    "a length beyond the frame": own(
      ip(family === 4 ? { totalLength: 2000 } : { payloadLength: 2000 }),
      segment(direction),
    ),
    "a length of nothing": own(
      ip(family === 4 ? { totalLength: 20 } : { payloadLength: 0 }),
      segment(direction),
    ),
    "half a TCP header": own(ip({ protocol: 6, nextHeader: 6 }), raw(new Uint8Array(12), { protocol: 6 })),
    "a UDP length beyond the packet": own(ip(), udp({ ...ports(direction), length: 900 }), data),
    "a UDP length of nothing": own(ip(), udp({ ...ports(direction), length: 0 }), data),
    ...(family === 4
      ? {
          "a first fragment": own(ip({ moreFragments: true }), segment(direction), data),
          "a later fragment": own(ip({ fragmentOffset: 512 }), segment(direction), data),
          "version 6 in IPv4": own(ip({ version: 6 }), segment(direction)),
        }
      : {
          "an atomic fragment": own(
            ip(),
            fragment({ offset: 0, more: false, identification: 7 }),
            segment(direction),
            data,
          ),
          "a later fragment": own(
            ip(),
            fragment({ offset: 512, more: false, identification: 7 }),
            segment(direction),
            data,
          ),
          "a hop-by-hop header": own(ip(), hopByHop(routerAlert6), segment(direction), data),
        }),
  };
}

const ports = (direction: Direction) =>
  direction === "egress"
    ? { sourcePort: 40053, destinationPort: 53 }
    : { sourcePort: 53, destinationPort: 40053 };

describe("frames of live sessions, and what only looks like one", () => {
  let run: TestRun;
  const oracle = new Oracle(model);
  let now = start;

  function judge({ direction, bytes }: Sent) {
    now += 0.01;
    const [kernel] = run.run({ interface: "eni-1", direction, packets: [bytes], times: [now] });
    const { verdict, reason, session } = oracle.judge("eni-1", direction, bytes, now);
    return {
      kernel: `${kernel?.verdict} ${kernel?.reason} ${kernel?.session}`,
      oracle: `${verdict} ${reason} ${session}`,
    };
  }

  beforeAll(async () => {
    const policies = compileAll(resolved);
    run = await TestRun.open({ object: objectPath, resolved, policies, settings: defaultSettings });
    for (const sent of opening) judge(sent);
  });
  afterAll(() => run?.close());

  it.each(families.flatMap((family) => directions.map((direction) => [family, direction] as const)))(
    "IPv%i, %s: each gets the oracle's verdict, and the sessions live on",
    (family, direction) => {
      const live = () => {
        const bytes = link(direction, network(family, direction), segment(direction), data);
        expect(judge({ direction, bytes })).toEqual({
          kernel: "accept session established",
          oracle: "accept session established",
        });
        const answer = link(direction, network(family, direction), datagram(direction), data);
        expect(judge({ direction, bytes: answer }).kernel).toBe("accept session established");
      };
      live();
      const said = Object.entries(impostors(family, direction)).map(([name, bytes]) => ({
        name,
        ...judge({ direction, bytes }),
      }));
      for (const { name, kernel, oracle: right } of said) expect([name, kernel]).toEqual([name, right]);
      expect(new Set(said.map(({ kernel }) => kernel.split(" ")[1])).size).toBeGreaterThanOrEqual(4);
      live();
    },
  );

  // Test runs lay 3,520 bytes of an XDP frame in one piece: what is longer comes in pieces, as on a veth or a tap.
  it.each(families)(
    "IPv%i: of a frame in pieces every byte counts, those behind its packet too",
    async (family) => {
      const header = (family === 4 ? 20 : 40) + 20;
      const bytesOf = async () =>
        (await run.sessions("eni-1")).reduce((sum, { bytes }) => sum + Number(bytes), 0);
      for (const [whole, behind] of [
        [3520, 1000],
        [1514, 3000],
        [9014, 0],
        [1514, 0],
        [60, 6],
      ] as const) {
        const packet = link(
          "egress",
          network(family, "egress"),
          segment("egress"),
          payload(whole < 14 + header ? 0 : whole - 14 - header),
        );
        const bytes = new Uint8Array(packet.length + behind);
        bytes.set(packet);
        const before = await bytesOf();
        expect(judge({ direction: "egress", bytes })).toEqual({
          kernel: "accept session established",
          oracle: "accept session established",
        });
        expect((await bytesOf()) - before).toBe(bytes.length);
      }
    },
  );
});
