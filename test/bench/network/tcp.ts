/** TCP between guests with stacks of their own: bulk, request and response, connections a second; one and four side by side. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Bench } from "../context.ts";
import { type Goal, makeLane, makeRow, type Row, ratiosOf } from "../row.ts";
import { addressOf } from "./guests.ts";
import { buildRules, openPorts } from "./rules.ts";
import type { Tools } from "./tools.ts";
import type { Stand, Yard } from "./yard.ts";

type Way = "bulk" | "ask" | "connect";

interface Talking {
  readonly way: Way;
  readonly name: string;
  readonly unit: string;
  /** Of the unit, in what talk.c counts. */
  readonly scale: number;
}

const talking: readonly Talking[] = [
  { way: "bulk", name: "TCP bulk", unit: "Gbit/s", scale: 8e-9 },
  { way: "ask", name: "TCP request and response", unit: "thousand/s", scale: 1e-3 },
  { way: "connect", name: "TCP connections", unit: "thousand/s", scale: 1e-3 },
];
const sideBySide = [1, 4] as const;
const rules = 1000;
/** A client and a server in a lane. */
class Talk {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting: ((line: string | null) => void)[] = [];

  constructor({ name, bed }: Stand, { talk }: Tools) {
    this.#name = name;
    const words = [bed.client.path, bed.server.path, addressOf(4), String(openPorts[0])];
    this.#child = bed.host.spawn("nice", ["-n", "-20", talk, ...words]);
    if (this.#child.stdout === null) throw new Error("no output");
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#waiting.shift()?.(line));
    this.#child.once("exit", () => {
      for (const settle of this.#waiting.splice(0)) settle(null);
    });
  }

  /** What was done in a second, in the unit. */
  async measure({ way, scale }: Talking, connections: number, window: number): Promise<number> {
    const answer = new Promise<string | null>((settle) => this.#waiting.push(settle));
    this.#child.stdin?.write(`${way} ${connections} ${Math.round(window)}\n`);
    const line = await answer;
    if (line === null) throw new Error(`${this.#name}: ${way} failed`);
    const [done = 0, ns = 0] = line.split(" ").map(Number);
    return (done * scale) / (ns / 1e9);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, "exit");
    this.#child.stdin?.end();
    await gone;
  }
}

const ours = (name: string): boolean => name.startsWith("Ringwall");
/** 3 % below, or inside the spread, which a row's judgement knows. */
const unharmed: Goal = { sense: "at least", value: 0.97 };
const ahead: Goal = { sense: "at least", value: 1 };

function rowsOf(
  { way, name, unit }: Talking,
  connections: number,
  samples: Readonly<Record<string, readonly number[]>>,
): Row[] {
  const names = Object.keys(samples);
  const peers = names.filter((one) => !ours(one) && one !== "no firewall");
  const row = (lane: string, by: string, goal: Goal): Row => {
    const [above, below] = [samples[lane] ?? [], samples[by] ?? []];
    // The row against no firewall shows all that stood side by side.
    const shown = by === "no firewall" ? [lane, ...names.filter((one) => one !== lane)] : [lane, by];
    const lanes = Object.fromEntries(shown.map((one) => [one, makeLane(samples[one] ?? [], unit)]));
    const params = { connections, lane };
    return makeRow(`${name} / ${by}`, params, ratiosOf(above, below), { goal, peers: lanes });
  };
  return names
    .filter(ours)
    .flatMap((lane) => [
      row(lane, "no firewall", unharmed),
      ...(way === "connect" ? peers.map((peer) => row(lane, peer, ahead)) : []),
    ]);
}

export async function measureTcp(bench: Bench, yard: Yard, tools: Tools): Promise<Row[]> {
  await yard.setRules(buildRules(Math.min(rules, bench.effort.rules)));
  const talks = new Map<string, Talk>();
  try {
    for (const stand of yard.stands.filter(({ kind }) => kind.stack))
      talks.set(stand.name, new Talk(stand, tools));
    const rows: Row[] = [];
    for (const way of talking)
      for (const connections of sideBySide) {
        bench.progress(`${way.name}, ${connections} side by side`);
        const lanes = Object.fromEntries(
          [...talks].map(([name, talk]) => [
            name,
            () => talk.measure(way, connections, bench.effort.window / 2),
          ]),
        );
        const samples = await bench.interleave(lanes);
        rows.push(...rowsOf(way, connections, samples));
      }
    return rows;
  } finally {
    for (const talk of talks.values()) await talk.end();
  }
}
