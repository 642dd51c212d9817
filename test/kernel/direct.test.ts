/**
 * Direct forwarding against the oracle, by test runs: under generated rules, frames of generated talks between guests go
 * to the receiver's device where both ends accept them, and nothing else does.
 */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Model } from "../../src/model/model.ts";
import { Oracle } from "../../src/policy/oracle/oracle.ts";
import { group, model, nic, prefixList } from "../support/bed.ts";
import {
  addressBytes,
  ethernet,
  fragment,
  frame,
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  type Layer,
  payload,
  pseudoChecksum,
  raw,
  tcp,
  toHex,
  udp,
  vlan,
} from "../support/packet.ts";
import { Random } from "../support/random.ts";
import { seed } from "../support/seed.ts";
import { worldLists, worldPrefix, worldRule, worldTime } from "../support/world-rules.ts";
import { DirectBed, longest, type XdpAction } from "./direct-bed.ts";

const wanted = process.env.RINGWALL_TORTURE === undefined ? 20_000 : 2_000_000;
/** Of each table: more than there are flows, since what was revoked stays so for days, and is not to be evicted. */
const entries = wanted === 20_000 ? 16_384 : 262_144;
/** Frames between two changes of the rules. */
const stretch = 800;
const guests = [8, 9, 10, 11] as const;
type Guest = (typeof guests)[number];

const idOf = (guest: Guest): string => `eni-${guest}`;
const macOf = (guest: Guest): string => `02:00:00:00:02:${guest.toString(16).padStart(2, "0")}`;
const addressOf = (guest: Guest, family: 4 | 6): string =>
  family === 4 ? `10.0.0.${guest}` : `2001:db8::${guest.toString(16)}`;
const ids = guests.map(idOf);

/** As rules of worlds are, but for time: that is test/kernel/rules.test.ts's. */
function makeModel(random: Random): Model {
  const names = ["sg-0", "sg-1", "sg-2"];
  const context = { network: "vpc-a", advanced: false, groups: names, isDefault: false };
  const rules = () => Array.from({ length: random.between(0, 14) }, () => worldRule(random, context));
  return model({
    prefixLists: ([4, 6] as const).flatMap((family) =>
      worldLists[family].map((id, place) =>
        prefixList(
          id,
          family,
          Array.from({ length: 3 * place }, () => worldPrefix(random, family)),
        ),
      ),
    ),
    groups: names.map((name) =>
      group(name, {
        innerAccess: random.pick(["accept", "drop"]),
        defaultEgress: random.pick(["accept", "accept", "drop"]),
        rules: [
          ...rules().map((rule) => ({ ...rule, expires: null })),
          // Half of what there is to reach is open to half of them.
          {
            protocol: random.pick(["tcp", "udp", "icmp", "icmpv6"]),
            remote: random.pick(names),
            priority: 5,
          },
          {
            protocol: "tcp",
            ports: "80/443",
            remote: random.pick(["10.0.0.0/24", "2001:db8::/64"]),
            priority: 5,
          },
        ],
      }),
    ),
    interfaces: guests.map((guest) =>
      nic(idOf(guest), {
        mac: macOf(guest),
        addresses: [addressOf(guest, 4), addressOf(guest, 6)],
        groups: random.some(names, random.between(1, 2)),
      }),
    ),
  });
}

interface Sent {
  readonly from: Guest;
  readonly to: Guest;
  readonly bytes: Uint8Array;
  /** It needs nothing of its skb, and the bridge would do nothing else with it. */
  readonly plain: boolean;
}

/** What two guests say to each other, in turn; some of it gets lost. */
interface Talk {
  readonly asker: Guest;
  readonly asked: Guest;
  readonly family: 4 | 6;
  readonly steps: readonly {
    readonly answers: boolean;
    readonly layers: readonly Layer[];
    readonly plain: boolean;
  }[];
}

function tcpSteps(random: Random): Talk["steps"] {
  const [client, server] = [random.between(1024, 65_000), random.pick([22, 80, 443, 1024, 40_000])];
  const step = (answers: boolean, flags: string, sequence: number, acknowledgement: number, size = 0) => ({
    answers,
    plain: true,
    layers: [
      answers
        ? tcp({ sourcePort: server, destinationPort: client, flags, sequence, acknowledgement })
        : tcp({ sourcePort: client, destinationPort: server, flags, sequence, acknowledgement }),
      payload(size),
    ],
  });
  const end = random.pick([
    [step(false, "FA", 1011, 5021), step(true, "FA", 5021, 1012), step(false, "A", 1012, 5022)],
    [step(true, "R", 5021, 0)],
    [step(false, "RA", 7777, 5021)],
    [],
  ]);
  return [
    step(false, "S", 1000, 0),
    step(true, "SA", 5000, 1001),
    step(false, "A", 1001, 5001),
    step(false, "PA", 1001, 5001, 10),
    step(true, "PA", 5001, 1011, 20),
    ...end,
    step(true, "A", 5021, 1011),
  ];
}

function udpSteps(random: Random): Talk["steps"] {
  const [client, server] = [random.between(1024, 65_000), random.pick([53, 80, 443, 1024, 40_000])];
  const size = random.pick([4, 27, 28, 200, 1200]);
  return [false, true, false, true].map((answers) => ({
    answers,
    plain: true,
    layers: [
      answers
        ? udp({ sourcePort: server, destinationPort: client })
        : udp({ sourcePort: client, destinationPort: server }),
      payload(size),
    ],
  }));
}

/** ICMPv6 may be neighbour discovery, which a bridge may answer itself: it goes the bridge's way, all of it. */
function echoSteps(random: Random, family: 4 | 6): Talk["steps"] {
  const identifier = random.below(4);
  return [false, true, true].map((answers) => ({
    answers,
    plain: family === 4,
    layers: [
      family === 4
        ? icmp({ type: answers ? 0 : 8, identifier })
        : icmpv6({ type: answers ? 129 : 128, identifier }),
      payload(8),
    ],
  }));
}

function otherSteps(random: Random): Talk["steps"] {
  const protocol = random.pick([47, 50, 132, 255]);
  return [false, true].map((answers) => ({
    answers,
    plain: false,
    layers: [raw(new Uint8Array(24).fill(7), { protocol })],
  }));
}

function makeTalk(random: Random): Talk {
  const [asker = 8, asked = 9] = random.once(2)
    ? random.some(guests, 2)
    : [...random.some(guests, 2)].reverse();
  const family = random.pick([4, 6] as const);
  const makers = [tcpSteps, tcpSteps, tcpSteps, udpSteps, udpSteps, echoSteps, otherSteps];
  return { asker, asked, family, steps: random.pick(makers)(random, family) };
}

/** What is wrong, or odd, with one frame of ten. */
const odds = ["MAC", "address", "no guest", "tag", "first", "later", "long", "sum", "no sum"] as const;

function sendStep(talk: Talk, { answers, layers, plain }: Talk["steps"][number], random: Random): Sent {
  const { family } = talk;
  const [from, to] = answers ? [talk.asked, talk.asker] : [talk.asker, talk.asked];
  const odd = random.once(10) ? random.pick(odds) : null;
  const other = random.pick(guests.filter((guest) => guest !== from && guest !== to));
  const ends = {
    source: addressOf(odd === "address" ? other : from, family),
    destination: addressOf(to, family),
  };
  const link = ethernet({
    source: macOf(odd === "MAC" ? other : from),
    destination: odd === "no guest" ? "02:00:00:00:09:09" : macOf(to),
  });
  const pieces = { moreFragments: odd === "first", fragmentOffset: odd === "later" ? 64 : 0 };
  const network: readonly Layer[] =
    family === 4
      ? [ipv4({ ...ends, ...pieces })]
      : odd === "first" || odd === "later"
        ? [
            ipv6(ends),
            fragment({ offset: pieces.fragmentOffset, more: pieces.moreFragments, identification: 5 }),
          ]
        : [ipv6(ends)];
  const tags = odd === "tag" ? [vlan({ id: 7 })] : [];
  const bytes = frame(link, ...tags, ...network, ...layers, payload(odd === "long" ? longest : 0));
  const alone = odd === null || odd === "MAC" || odd === "address";
  const summed = !changeSum(bytes, odd, family, layers) && !looksLeft(bytes, family, layers, ends);
  return { from, to, bytes, plain: plain && summed && (alone || odd === "sum" || odd === "no sum") };
}

/** A datagram without a checksum, or one long enough for a packet inside with a wrong one: it may be left to the device. */
function changeSum(
  bytes: Uint8Array,
  odd: (typeof odds)[number] | null,
  family: 4 | 6,
  [transport]: readonly Layer[],
): boolean {
  const header = family === 4 ? 34 : 54;
  if (transport?.protocol !== 17 || (odd !== "sum" && odd !== "no sum")) return false;
  if (odd === "sum" && bytes.length - header < 36) return false;
  if (odd === "no sum") bytes.fill(0, header + 6, header + 8);
  else bytes[header + 6] = (bytes[header + 6] ?? 0) ^ 0x55;
  return true;
}

/** One checksum of 65,536 is by chance what a stack leaves to the device: the sum of the pseudo-header alone. */
function looksLeft(
  bytes: Uint8Array,
  family: 4 | 6,
  [transport]: readonly Layer[],
  ends: { readonly source: string; readonly destination: string },
): boolean {
  const protocol = transport?.protocol;
  if (protocol !== 6 && protocol !== 17) return false;
  const header = family === 4 ? 34 : 54;
  const carrier = { source: addressBytes(ends.source), destination: addressBytes(ends.destination) };
  const left = 0xffff ^ pseudoChecksum(new Uint8Array(bytes.length - header), protocol, carrier);
  const place = header + (protocol === 6 ? 16 : 6);
  return left === (((bytes[place] ?? 0) << 8) | (bytes[place + 1] ?? 0));
}

let bed: DirectBed;
beforeAll(async () => {
  bed = await DirectBed.open(ids, worldTime, entries);
  for (const guest of guests) bed.send(idOf(guest), macOf(guest));
});
afterAll(() => bed?.close());

it("what both ends accept goes straight to the receiver's device, and nothing else does", async () => {
  const random = new Random(seed);
  const settings = { host: "here" };
  const first = makeModel(random);
  await bed.change(first);
  const oracle = new Oracle(first, settings);
  const counted = new Map<string, number>();
  const actions: Record<XdpAction, number> = { aborted: 0, drop: 0, pass: 0, tx: 0, redirect: 0 };
  const differences: string[] = [];
  let time = 0;
  let sent = 0;

  const judge = (guest: Guest, direction: "egress" | "ingress", bytes: Uint8Array): boolean => {
    const { verdict, reason } = oracle.judge(idOf(guest), direction, bytes, worldTime + time);
    const key = `${idOf(guest)} ${direction} ${verdict} ${reason}`;
    counted.set(key, (counted.get(key) ?? 0) + 1);
    return verdict === "accept";
  };
  const expectOf = ({ from, to, bytes, plain }: Sent): XdpAction => {
    if (!judge(from, "egress", bytes)) return "drop";
    if (!plain) return "pass";
    return judge(to, "ingress", bytes) ? "redirect" : "drop";
  };

  for (let next = stretch; sent < wanted; ) {
    const talks = Array.from({ length: 3 }, () => makeTalk(random));
    const length = Math.max(...talks.map(({ steps }) => steps.length));
    for (let turn = 0; turn < length; turn++)
      for (const talk of talks) {
        const step = talk.steps[turn];
        if (step === undefined || random.once(12)) continue;
        time += random.pick([0.01, 0.01, 0.2]);
        const one = sendStep(talk, step, random);
        const right = expectOf(one);
        const [action = "aborted"] = bed.run(idOf(one.from), [one.bytes], time);
        actions[action]++;
        sent++;
        if (action !== right)
          differences.push(`frame ${sent}: ${action}, not ${right}: ${toHex(one.bytes).slice(0, 160)}`);
        if (sent === next) {
          const changed = makeModel(random);
          await bed.change(changed);
          oracle.change(changed);
          next += stretch;
        }
      }
  }
  console.log(`seed ${seed}: ${JSON.stringify(actions)}`);
  expect(differences.slice(0, 10)).toEqual([]);
  // Each end counts each frame once, and says why.
  const sorted = (map: ReadonlyMap<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(sorted(bed.counters())).toEqual(sorted(counted));
  expect(Math.min(actions.drop, actions.pass, actions.redirect)).toBeGreaterThan(wanted / 20);
}, 3_600_000);
