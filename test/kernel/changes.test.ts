/**
 * Changes of rules and members while packets go on: at each pause of the change, as the engine lets go of the event
 * loop. `RINGWALL_TORTURE=all` makes 10,000 changes.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Direction } from "../../src/model/model.ts";
import { defaultLimits } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { ethernet, frame, icmp, icmpv6, ipv4, ipv6, type Layer, tcp, udp } from "../support/packet.ts";
import { type Compiled, compileModel, FloodBed } from "./flood-bed.ts";

const changes = process.env.RINGWALL_TORTURE === "all" ? 10_000 : 200;
const guest = { id: "eni-2", mac: "02:00:00:00:00:02", ipv4: "10.0.0.2", ipv6: "2001:db8::2" };
const peer = { mac: "02:00:00:00:00:01", ipv4: "10.0.0.1", ipv6: "2001:db8::1" };
const families = ["ipv4", "ipv6"] as const;
type Family = (typeof families)[number];

/**
 * The peer is a member of `member`. Whole, either rule set accepts its UDP port 5000 and refuses 5001; old rules with
 * new members, or new rules with old ones, would do the opposite. What is on ports 6000, and echo requests, only
 * sg-a may.
 */
function compile(member: "sg-a" | "sg-b"): Compiled {
  const other = member === "sg-a" ? "sg-b" : "sg-a";
  const rule = (policy: string, protocol: string, ports: string, remote: string) =>
    `      - {direction: ingress, policy: ${policy}, protocol: ${protocol}, portRange: ${ports}, remote: ${remote}}`;
  const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-a: {type: basic, network: vpc-a, innerAccess: drop, rules: []}
  sg-b: {type: basic, network: vpc-a, innerAccess: drop, rules: []}
  sg-t:
    type: basic
    network: vpc-a
    innerAccess: drop
    rules:
${[
  rule("accept", "udp", "5000/5000", member),
  rule("accept", "udp", "5001/5001", other),
  rule("drop", "udp", "5001/5001", member),
  ...["tcp", "udp"].map((protocol) => rule("accept", protocol, "6000/6000", "sg-a")),
  ...["icmp", "icmpv6"].map((protocol) => rule("accept", protocol, "-1/-1", "sg-a")),
].join("\n")}
instances:
  i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "${peer.mac}", addresses: [${peer.ipv4}, "${peer.ipv6}"], groups: [${member}]}}}
  i-2: {interfaces: {eni-2: {device: tap2, network: vpc-a, mac: "${guest.mac}", addresses: [${guest.ipv4}, "${guest.ipv6}"], groups: [sg-t]}}}
`;
  const read = parseModel([{ path: "changes.yaml", text }], { limits: defaultLimits, host: "here" });
  if (read.model === null) throw new Error(read.diagnostics.map(({ message }) => message).join("\n"));
  return compileModel(read.model);
}

function packet(family: Family, direction: Direction, transport: Layer): Uint8Array {
  const [from, to] = direction === "egress" ? [guest, peer] : [peer, guest];
  const addresses = { source: from[family], destination: to[family] };
  const network = family === "ipv4" ? ipv4(addresses) : ipv6(addresses);
  return frame(ethernet({ source: from.mac, destination: to.mac }), network, transport);
}

/** Sessions that the peer opened: a packet of each in either direction, and those that opened it. */
function buildSessions(family: Family) {
  const echo = family === "ipv4" ? icmp : icmpv6;
  const [request, reply] = family === "ipv4" ? [8, 0] : [128, 129];
  const inwards = { sourcePort: 40_000, destinationPort: 6000 };
  const outwards = { sourcePort: 6000, destinationPort: 40_000 };
  const segment = (direction: Direction, flags: string) => {
    const [sequence, acknowledgement] = direction === "ingress" ? [1000, 5000] : [5000, 1000];
    const first = flags.includes("S") ? 1 : 0;
    const ports = direction === "ingress" ? inwards : outwards;
    return tcp({ ...ports, flags, sequence: sequence - first, acknowledgement });
  };
  const both = (ingress: Layer, egress: Layer) => ({
    ingress: packet(family, "ingress", ingress),
    egress: packet(family, "egress", egress),
  });
  return {
    handshake: both(segment("ingress", "S"), segment("egress", "SA")),
    tcp: both(segment("ingress", "A"), segment("egress", "A")),
    udp: both(udp(inwards), udp(outwards)),
    echo: both(echo({ type: request, identifier: 7 }), echo({ type: reply, identifier: 7 })),
  };
}

const sessions = families.map(buildSessions);
const flows = sessions.flatMap(({ tcp, udp, echo }) => [tcp, udp, echo]);
const directions = ["ingress", "egress"] as const;

let bed: FloodBed;
const sets = { a: compile("sg-a"), b: compile("sg-b") };

beforeAll(async () => {
  bed = await FloodBed.open(sets.a.resolved.model);
});
afterAll(() => bed.close());

const passes = (direction: Direction, bytes: Uint8Array): boolean =>
  bed.run(guest.id, direction, [bytes]) === 1;

let nextPort = 1024;
/** New flows to the port that both rule sets accept and the one that both refuse; how many went the other way. */
function tryNewFlows(): number {
  nextPort = nextPort === 65_535 ? 1024 : nextPort + 1;
  const wrong = families.filter((family) => {
    const to = (destinationPort: number) =>
      passes("ingress", packet(family, "ingress", udp({ sourcePort: nextPort, destinationPort })));
    return !to(5000) || to(5001);
  });
  return wrong.length;
}

/** Opens every session afresh: the peer asks, the guest answers. */
async function openSessions(): Promise<void> {
  await bed.flush();
  for (const { handshake, ...others } of sessions)
    for (const flow of [handshake, ...Object.values(others)])
      for (const direction of directions) expect(passes(direction, flow[direction])).toBe(true);
}

/** Packets of all sessions, both ways: which of them passed. */
const speak = (): boolean[] =>
  flows.flatMap((flow) => directions.map((direction) => passes(direction, flow[direction])));

/** Applies a rule set; meanwhile packets go on, and each session changes its mind once at most. */
async function change(to: Compiled) {
  const seen = { mixtures: 0, wavering: 0, rounds: 0 };
  const before = speak();
  const changed = before.map(() => false);
  let over = false;
  const traffic = (async () => {
    while (!over) {
      seen.mixtures += tryNewFlows();
      speak().forEach((passed, index) => {
        if (passed !== before[index]) changed[index] = true;
        else if (changed[index]) seen.wavering++;
      });
      seen.rounds++;
      await new Promise((resume) => setImmediate(resume));
    }
  })();
  const after: boolean[] = [];
  try {
    await bed.apply(to, () => after.push(...speak()));
  } finally {
    over = true;
    await traffic;
  }
  return { ...seen, after: [...after, ...speak()] };
}

describe("a change of rules and members under traffic", () => {
  it("meets no packet with a mixture, and no revoked session passes once it is in force", async () => {
    await openSessions();
    const sum = { mixtures: 0, wavering: 0, rounds: 0, passedWhenRevoked: 0, refusedWhenAllowed: 0 };
    for (let turn = 0; turn < changes; turn++) {
      const revokes = turn % 2 === 0;
      const { mixtures, wavering, rounds, after } = await change(revokes ? sets.b : sets.a);
      sum.mixtures += mixtures;
      sum.wavering += wavering;
      sum.rounds += rounds;
      if (revokes) sum.passedWhenRevoked += after.filter((passed) => passed).length;
      else sum.refusedWhenAllowed += after.filter((passed) => !passed).length;
    }
    console.log(`${changes} changes: ${JSON.stringify(sum)}`);
    expect(sum.rounds).toBeGreaterThan(changes);
    expect({ ...sum, rounds: 0 }).toEqual({
      mixtures: 0,
      wavering: 0,
      rounds: 0,
      passedWhenRevoked: 0,
      refusedWhenAllowed: 0,
    });
  }, 1_200_000);

  it("loses no packet of any session under `keep`, and judges by the new rules what opens", async () => {
    bed.configure({ establishedSessions: "keep" });
    try {
      await bed.apply(sets.a);
      await openSessions();
      for (let turn = 0; turn < 20; turn++) {
        const { mixtures, wavering, after } = await change(turn % 2 === 0 ? sets.b : sets.a);
        expect({ mixtures, wavering, lost: after.filter((passed) => !passed).length }).toEqual({
          mixtures: 0,
          wavering: 0,
          lost: 0,
        });
      }
      await bed.apply(sets.b);
      await bed.flush();
      // Without their sessions none of them may open again.
      expect(flows.map(({ ingress }) => passes("ingress", ingress))).toEqual(flows.map(() => false));
    } finally {
      bed.configure({});
      await bed.apply(sets.a);
    }
  });

  it("control: rules of the one set with members of the other are seen as a mixture", async () => {
    await bed.apply(sets.a);
    expect(tryNewFlows()).toBe(0);
    const mixed = { ...sets.b.resolved, addresses: sets.a.resolved.addresses };
    await bed.apply({ resolved: mixed, policies: sets.b.policies });
    expect(tryNewFlows()).toBe(families.length);
    await bed.apply(sets.a);
  });
});
