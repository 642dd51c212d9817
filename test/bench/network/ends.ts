/**
 * Runs inside a network namespace and works on the devices there: sends live frames, counts what comes out,
 * redirects between two of them, or looks sessions up. Steered by one line of JSON a command, as test/kernel/namespace.ts has it.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type BpfLink, type BpfMap, native } from "../../../src/kernel/native.ts";

export interface Sending {
  /** Where the frames leave. */
  readonly device: string;
  /** Where they, or what is left of them, come out; null: nowhere. */
  readonly to: string | null;
  /** Ethernet, IPv4, UDP, hex; ports are the flow's. */
  readonly frame: string;
  readonly count: number;
  /** The frames go through flows `first` to `flows` - 1, and again from 0. */
  readonly first: number;
  readonly flows: number;
  /** The frames are the answers of these flows. */
  readonly back: boolean;
}

export interface Sent {
  /** Between the first batch of frames and the last: ns, frames sent, and frames that came out. */
  readonly ns: number;
  readonly sent: number;
  readonly received: number;
  /** All that came out in the end. */
  readonly settled: number;
}

const [object = "", sessions = "1024"] = process.argv.slice(2);
const loaded = native().BpfObject.load({ path: object, maxEntries: { rw_looked: Number(sessions) } });
const names = ["stream", "tally", "forward", "look_out", "look_in"];
const [stream, tally, forward, lookOut, lookIn] = names.map((name) => loaded.program(name));
const [runs, tallies, targets] = ["rw_run", "rw_tally", "rw_forward"].map((name) => loaded.map(name));
const links: BpfLink[] = [];

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error(`${object} is not the bench's`);
  return value;
}

function ifindexOf(device: string): number {
  const link = native()
    .listLinks()
    .find(({ name }) => name === device);
  if (link === undefined) throw new Error(`no device ${device}`);
  return link.ifindex;
}

function word(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** 64-bit words of a map's place. */
function wordsAt(map: BpfMap | undefined, place: number): number[] {
  const bytes = need(map).get(word(place)) ?? new Uint8Array(0);
  return [...new BigUint64Array(bytes.slice().buffer)].map(Number);
}

/** Frames that came out of a device until now. */
const countOf = (ifindex: number): number => wordsAt(tallies, ifindex)[0] ?? 0;

/** Until no more frames come out: what is on its way belongs to this run, not to the next. */
async function settle(ifindex: number): Promise<number> {
  for (let last = -1; ; ) {
    const now = countOf(ifindex);
    if (now === last) return now;
    last = now;
    await sleep(5);
  }
}

/** As struct run of frames.bpf.c has it. */
const batch = 64;

async function send(sending: Sending): Promise<Sent> {
  const from = ifindexOf(sending.device);
  const to = sending.to === null ? 0 : ifindexOf(sending.to);
  const ends = (BigInt(to) << 32n) | (sending.back ? 1n : 0n);
  const run = BigUint64Array.of(BigInt(sending.first), BigInt(sending.flows), 0n, ends, 0n, 0n, 0n, 0n);
  need(runs).set(word(0), new Uint8Array(run.buffer));
  const before = countOf(to);
  await need(stream).liveFrames({
    data: new Uint8Array(Buffer.from(sending.frame, "hex")),
    repeat: sending.count,
    ifindex: from,
  });
  const settled = (await settle(to)) - before;
  const [, , sent = 0, , begin = 0, first = 0, end = 0, last = 0] = wordsAt(runs, 0);
  const batches = Math.ceil(sent / batch) - 1;
  return { ns: end - begin, sent: batches * batch, received: last - first, settled };
}

const filter = { handle: 1, priority: 1 } as const;

const commands = {
  send,
  /** Counts, and drops, what comes out of devices. */
  async tally(devices: readonly string[]) {
    for (const device of devices)
      links.push(need(tally).attachXdp({ ifindex: ifindexOf(device), mode: "native" }));
  },
  /** Frames that a device of tally's has counted. */
  count: async (device: string) => countOf(ifindexOf(device)),
  /** Redirects between two devices. */
  async forward([one, other]: readonly [string, string]) {
    const [a, b] = [ifindexOf(one), ifindexOf(other)];
    need(targets).set(word(a), word(b));
    need(targets).set(word(b), word(a));
    for (const ifindex of [a, b]) links.push(need(forward).attachXdp({ ifindex, mode: "native" }));
  },
  /** Looks up what devices of guests receive and send. */
  async look(devices: readonly string[]) {
    for (const ifindex of devices.map(ifindexOf)) {
      need(lookOut).attachTc({ ifindex, direction: "ingress", ...filter });
      need(lookIn).attachTc({ ifindex, direction: "egress", ...filter });
    }
  },
};

interface Command {
  readonly id: number;
  readonly name: keyof typeof commands;
  readonly argument: never;
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, name, argument }: Command = JSON.parse(line);
    const work: Promise<unknown> = commands[name](argument);
    const answer = (body: object) => process.stdout.write(`${JSON.stringify({ id, ...body })}\n`);
    work.then(
      (value) => answer({ value }),
      (error: Error) => answer({ error: error.message }),
    );
  })
  .on("close", () => process.exit(0));
