/**
 * What a packet asks of maps, counted: a guard of its cost that no clock and no machine changes. A look-up in a hash
 * or a trie is a call of the kernel, in an array it is not. The words of policies are arrays.
 */
import { beforeAll, expect, it } from "vitest";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { bed, gatewayMac, guestMac, type RuleText } from "../support/bed.ts";
import { ethernet, frame, ipv4, ipv6, payload, type TcpFields, tcp, udp } from "../support/packet.ts";
import { Bench } from "./bench.ts";
import { sanitizedProgram } from "./build.ts";
import { runProgram } from "./program.ts";

const families = ["ipv4", "ipv6"] as const;
type Family = (typeof families)[number];
const guest = { mac: guestMac, ipv4: "192.0.2.11", ipv6: "2001:db8:1::11" };
const peer = { mac: gatewayMac, ipv4: "198.51.100.80", ipv6: "2001:db8:ffff::80" };

/** So many rules; all but the last ones match other packets than these, some by a group. */
function rulesOf(count: number): RuleText[] {
  const others = Array.from({ length: count - 6 }, (_, index): RuleText => {
    const remote = index % 10 === 9 ? "sg-t" : `10.${index >> 8}.${index & 255}.0/24`;
    return {
      direction: "egress",
      policy: "drop",
      protocol: "tcp",
      ports: `${1000 + index}/${1010 + index}`,
      remote,
    };
  });
  const common = { direction: "egress", protocol: "tcp", priority: 100 } as const;
  return [
    ...others,
    { ...common, policy: "drop", ports: "81/81", remote: "0.0.0.0/0" },
    { ...common, policy: "drop", ports: "81/81", remote: "::/0" },
    { ...common, ports: "80/80", remote: "0.0.0.0/0" },
    { ...common, ports: "80/80", remote: "::/0" },
    { ...common, protocol: "udp", ports: "80/80", remote: "0.0.0.0/0" },
    { ...common, protocol: "udp", ports: "80/80", remote: "::/0" },
  ];
}

/** The guest's first datagram of a flow. */
function datagram(family: Family): Uint8Array {
  const addresses = { source: guest[family], destination: peer[family] };
  return frame(
    ethernet({ source: guest.mac, destination: peer.mac }),
    family === "ipv4" ? ipv4(addresses) : ipv6(addresses),
    udp({ sourcePort: 40_000, destinationPort: 80 }),
    payload(10),
  );
}

function segment(family: Family, outwards: boolean, port: number, fields: Partial<TcpFields>): Uint8Array {
  const [source, destination] = outwards ? [guest, peer] : [peer, guest];
  const [sourcePort, destinationPort] = outwards ? [40_000, port] : [port, 40_000];
  const addresses = { source: source[family], destination: destination[family] };
  return frame(
    ethernet({ source: source.mac, destination: destination.mac }),
    family === "ipv4" ? ipv4(addresses) : ipv6(addresses),
    tcp({ sourcePort, destinationPort, ...fields }),
    payload(10),
  );
}

const kinds = ["new", "answered", "promoted", "first", "established", "denied", "datagram"] as const;

function framesOf(family: Family): Record<(typeof kinds)[number], ["egress" | "ingress", Uint8Array]> {
  const ack = { flags: "A", sequence: 1011, acknowledgement: 5011 } as const;
  return {
    new: ["egress", segment(family, true, 80, { flags: "S", sequence: 1000 })],
    answered: ["ingress", segment(family, false, 80, { flags: "SA", sequence: 5000, acknowledgement: 1011 })],
    promoted: ["egress", segment(family, true, 80, ack)],
    first: ["egress", segment(family, true, 80, ack)],
    established: ["egress", segment(family, true, 80, ack)],
    denied: ["egress", segment(family, true, 81, { flags: "S", sequence: 1000 })],
    datagram: ["egress", datagram(family)],
  };
}

interface Work {
  readonly arrays: number;
  readonly hashes: number;
  readonly tries: number;
  readonly updates: number;
  readonly deletes: number;
}

function readWork(line: string): Work {
  const [arrays = 0, hashes = 0, tries = 0, updates = 0, deletes = 0] = line.split(" ").slice(1).map(Number);
  return { arrays, hashes, tries, updates, deletes };
}

let program = "";
beforeAll(() => {
  program = sanitizedProgram();
});

async function count(rules: number, family: Family): Promise<Record<(typeof kinds)[number], Work>> {
  const bench = new Bench(1_800_000_000, defaultSettings, 256, 1 << 17);
  await bench.change(bed(rulesOf(rules)));
  bench.script.say("work");
  const frames = framesOf(family);
  for (const kind of kinds) {
    const [direction, bytes] = frames[kind];
    bench.judge({ interface: "eni-1", direction, time: 1, frame: bytes });
    bench.script.say("work");
  }
  const { end, stderr, lines } = runProgram(program, bench.script.text);
  expect(end, stderr).toBe(0);
  const [, ...works] = lines.filter((line) => line.startsWith("work ")).map(readWork);
  return Object.fromEntries(kinds.map((kind, index) => [kind, works[index]])) as Record<
    (typeof kinds)[number],
    Work
  >;
}

const calls = ({ hashes, tries, updates, deletes }: Work) => ({ hashes, tries, updates, deletes });

it.each(families)(
  "a packet asks maps as seldom as it can, however many rules there are: %s",
  async (family) => {
    const few = await count(10, family);
    const many = await count(4000, family);
    for (const works of [few, many]) {
      // Its session, by one look-up.
      expect(calls(works.established)).toEqual({ hashes: 1, tries: 0, updates: 0, deletes: 0 });
      // The identity of its peer, a trie of prefixes: arrays say that no session of its key was proven.
      expect(calls(works.new)).toEqual({ hashes: 1, tries: 1, updates: 0, deletes: 0 });
      // That arrays say so again is enough for what would be dropped.
      expect(calls(works.denied)).toEqual({ hashes: 1, tries: 1, updates: 0, deletes: 0 });
      expect(calls(works.answered)).toEqual({ hashes: 0, tries: 0, updates: 0, deletes: 0 });
      // The express way asked for a proven session: that there is none is not asked again.
      expect(calls(works.promoted)).toEqual({ hashes: 1, tries: 0, updates: 1, deletes: 0 });
      expect(calls(works.datagram)).toEqual({ hashes: 2, tries: 1, updates: 0, deletes: 0 });
    }
    // After a packet that had no proven session, more: the seeds, when one of its hash was proven, its ends were revoked.
    expect(few.first.arrays).toBeLessThanOrEqual(few.established.arrays + 4);
    // Of arrays one that is established asks for these: settings, slot, table, counter (and this program for its own).
    expect(few.established.arrays).toBeLessThanOrEqual(7);
    expect(many.established.arrays).toBe(few.established.arrays);
    // A rule is found by halving: 400 times as many rules are nine steps more.
    expect(many.new.arrays - few.new.arrays).toBeLessThanOrEqual(10);
    expect(many.denied.arrays - few.denied.arrays).toBeLessThanOrEqual(10);
  },
);
