/** The rows of `make bench`: an established packet against the floor, a new session as rules grow. */

import { native } from "../../src/kernel/native.ts";
import { defaultSettings } from "../../src/kernel/settings.ts";
import { TestRun } from "../../src/kernel/testrun.ts";
import { defaultLimits, type Model } from "../../src/model/model.ts";
import { parseModel } from "../../src/model/parse.ts";
import { compileAll } from "../../src/policy/compile.ts";
import { resolve } from "../../src/policy/resolve.ts";
import { ethernet, frame, ipv4, ipv6, payload, type TcpFields, tcp } from "../support/packet.ts";

export interface Row {
  readonly name: string;
  readonly params: Readonly<Record<string, string | number>>;
  /** Median of the samples. */
  readonly value: number;
  readonly unit: "ratio" | "ns";
  readonly goal: number | null;
  readonly met: boolean | null;
  readonly samples: readonly number[];
  /** (largest - smallest) / median */
  readonly spread: number;
}

export interface Effort {
  readonly samples: number;
  /** Runs of a sample of one packet. */
  readonly repeat: number;
  /** Packets of a sample of new flows. */
  readonly flows: number;
}

export interface Objects {
  readonly ringwall: string;
  readonly floor: string;
}

const families = ["ipv4", "ipv6"] as const;
type Family = (typeof families)[number];

const guest = { mac: "02:00:00:00:01:01", ipv4: "192.0.2.11", ipv6: "2001:db8:1::11" };
const peer = { mac: "02:00:00:00:00:01", ipv4: "198.51.100.80", ipv6: "2001:db8:ffff::80" };

/** `count` egress rules as clouds have them; the last two let everything else through. */
export function buildModel(count: number): Model {
  const rules = Array.from({ length: count - 2 }, (_, index) => {
    const [remote, port] = [`10.${(index >> 8) % 256}.${index % 256}.0/24`, 1000 + (index % 5000)];
    return `{direction: egress, policy: drop, protocol: tcp, portRange: ${port}/${port + 10}, remote: ${remote}}`;
  });
  const last = ["0.0.0.0/0", "::/0"].map(
    (remote) =>
      `{direction: egress, policy: accept, protocol: tcp, portRange: -1/-1, remote: "${remote}", priority: 100}`,
  );
  const text = `version: 1
networks: {vpc-a: {type: vpc}}
groups:
  sg-t:
    type: basic
    network: vpc-a
    rules:
${[...rules, ...last].map((rule) => `      - ${rule}`).join("\n")}
instances: {i-1: {interfaces: {eni-1: {device: tap1, network: vpc-a, mac: "${guest.mac}", addresses: [${guest.ipv4}, "${guest.ipv6}"], groups: [sg-t]}}}}
`;
  const limits = { ...defaultLimits, rulesPerGroup: 4096, rulesPerInterface: 4096 };
  const { model, diagnostics } = parseModel([{ path: "bench.yaml", text }], { limits, host: "here" });
  if (model === null) throw new Error(diagnostics.map(({ message }) => message).join("\n"));
  return model;
}

function segment(family: Family, outwards: boolean, fields: TcpFields): Uint8Array {
  const [source, destination] = outwards ? [guest, peer] : [peer, guest];
  const addresses = { source: source[family], destination: destination[family] };
  return frame(
    ethernet({ source: source.mac, destination: destination.mac }),
    family === "ipv4" ? ipv4(addresses) : ipv6(addresses),
    tcp(fields),
    payload(10),
  );
}

const outFlow = { sourcePort: 40443, destinationPort: 443 };
const inFlow = { sourcePort: 443, destinationPort: 40443 };

async function openRun(object: string, rules: number, flows: number): Promise<TestRun> {
  const resolved = resolve(buildModel(rules), { host: "here" });
  const policies = compileAll(resolved);
  return TestRun.open({
    object,
    resolved,
    policies,
    settings: defaultSettings,
    sessions: Math.max(16_384, 2 * flows),
  });
}

function establish(run: TestRun, family: Family): Uint8Array {
  const send = (direction: "egress" | "ingress", bytes: Uint8Array) =>
    run.run({ interface: "eni-1", direction, packets: [bytes] });
  send("egress", segment(family, true, { ...outFlow, flags: "S", sequence: 1000 }));
  send("ingress", segment(family, false, { ...inFlow, flags: "SA", sequence: 5000, acknowledgement: 1011 }));
  const data = segment(family, true, { ...outFlow, flags: "A", sequence: 1011, acknowledgement: 5011 });
  const [verdict] = send("egress", data);
  if (verdict?.reason !== "session") throw new Error(`the packet was to be a session's: ${verdict?.reason}`);
  return data;
}

function medianOf(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN;
}

function rowOf(
  name: string,
  params: Row["params"],
  samples: readonly number[],
  { unit, goal }: { readonly unit: Row["unit"]; readonly goal: number | null },
): Row {
  const value = medianOf(samples);
  const spread = (Math.max(...samples) - Math.min(...samples)) / value;
  return { name, params, value, unit, goal, met: goal === null ? null : value <= goal, samples, spread };
}

/** Established packets: Ringwall and the floor in turn, each less what an empty program takes. */
async function measureEstablished(objects: Objects, effort: Effort): Promise<Row[]> {
  const object = native().BpfObject.load({ path: objects.floor });
  const floor = object.program("floor_xdp");
  const run = await openRun(objects.ringwall, 10, effort.flows);
  try {
    return families.flatMap((family) => {
      const data = establish(run, family);
      const [ours, floors]: [number[], number[]] = [[], []];
      for (let sample = 0; sample < effort.samples; sample++) {
        ours.push(run.measure({ interface: "eni-1", direction: "egress", packets: [data] }, effort.repeat));
        floors.push(floor.testRun({ data, repeat: effort.repeat }).duration);
      }
      const ratios = ours.map((time, index) => time / (floors[index] ?? Number.NaN));
      return [
        rowOf("established packet / floor", { family }, ratios, { unit: "ratio", goal: 1.25 }),
        rowOf("established packet", { family }, ours, { unit: "ns", goal: null }),
        rowOf("floor", { family }, floors, { unit: "ns", goal: null }),
      ];
    });
  } finally {
    run.close();
    floor.close();
    object.close();
  }
}

/** Time of a packet in one batch, ns, calls and all. */
function timeBatch(run: TestRun, packets: readonly Uint8Array[]): number {
  const begin = process.hrtime.bigint();
  run.run({ interface: "eni-1", direction: "egress", packets });
  return Number(process.hrtime.bigint() - begin) / packets.length;
}

/**
 * New sessions: batches of new flows, less batches of as many packets of one session (the same calls), plus what
 * that session's packet takes by itself.
 */
async function measureNew(objects: Objects, effort: Effort, counts: readonly number[]): Promise<Row[]> {
  const times = new Map<string, number[]>();
  const runs = await Promise.all(counts.map((rules) => openRun(objects.ringwall, rules, effort.flows)));
  try {
    for (const family of families)
      for (let sample = 0; sample < effort.samples; sample++)
        for (const [place, rules] of counts.entries()) {
          const run = runs[place];
          if (run === undefined) throw new Error("no run");
          await run.flush("eni-1");
          const data = establish(run, family);
          const packets = Array.from({ length: effort.flows }, (_, index) =>
            segment(family, true, {
              sourcePort: 1024 + (index % 60_000),
              destinationPort: 80 + Math.floor(index / 60_000),
              flags: "S",
            }),
          );
          const own = run.measure(
            { interface: "eni-1", direction: "egress", packets: [data] },
            effort.repeat,
          );
          const calls = timeBatch(
            run,
            packets.map(() => data),
          );
          const key = `${family} ${rules}`;
          times.set(key, [...(times.get(key) ?? []), timeBatch(run, packets) - calls + own]);
        }
  } finally {
    for (const run of runs) run.close();
  }
  return families.flatMap((family) =>
    counts.flatMap((rules) => {
      const [samples, first] = [
        times.get(`${family} ${rules}`) ?? [],
        times.get(`${family} ${counts[0]}`) ?? [],
      ];
      const ratios = samples.map((time) => time / medianOf(first));
      const params = { family, rules };
      return [
        rowOf(`new session / at ${counts[0]} rules`, params, ratios, { unit: "ratio", goal: 1.5 }),
        rowOf("new session", params, samples, { unit: "ns", goal: null }),
      ];
    }),
  );
}

export async function measureAll(objects: Objects, effort: Effort): Promise<Row[]> {
  return [
    ...(await measureEstablished(objects, effort)),
    ...(await measureNew(objects, effort, [10, 100, 1000])),
  ];
}
