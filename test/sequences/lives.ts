/**
 * Random lives of many connections, as fast-check commands: each plays a packet, lets time pass or changes the rules.
 * The oracle says what is expected, so that a life is a script like those of this folder: it can be played by every
 * judge, shrinks, and is printed to be kept.
 */
import fc from "fast-check";
import type { Direction, Family } from "../../src/model/model.ts";
import { emptySetting, emptySettings } from "./parse.ts";
import { OraclePlay } from "./play-oracle.ts";
import {
  type Body,
  type PacketSpec,
  type Script,
  type ScriptSetting,
  type ScriptSettings,
  type ScriptStep,
  stateNames,
} from "./script.ts";

/** Connections of each kind. */
const connections = 3;

/** What the ends of a TCP connection have sent, by the sender's direction. */
interface Ends {
  readonly next: Record<Direction, number>;
  /** How far the sensible life of it has come. */
  stage: number;
}

/** What commands know: the ends of each TCP connection, by its name. */
export interface World {
  readonly ends: Map<string, Ends>;
}

const sides: readonly Direction[] = ["egress", "ingress"];
const otherOf = (side: Direction): Direction => (side === "egress" ? "ingress" : "egress");

/** Plays on the oracle what a life does, and writes it down. */
export class Diary {
  readonly #steps: ScriptStep[] = [];
  readonly script: Script;
  readonly #oracle: OraclePlay;
  /** Index of the last packet of each connection and side. */
  readonly #lasts = new Map<string, number>();
  #time = 0;

  constructor(file: string, family: Family, settings: ScriptSettings) {
    const setting: ScriptSetting = { ...emptySetting, rules: settingsOfRules[0]?.rules ?? [] };
    const [asks, departs] = [[], []];
    this.script = { file, asks, departs, families: [family], settings, setting, steps: this.#steps };
    this.#oracle = new OraclePlay(this.script, family);
  }

  wait(seconds: number): void {
    this.#time += seconds;
  }

  change(setting: ScriptSetting): void {
    this.#add({ kind: "change", line: 0, time: this.#time, setting });
  }

  /** A packet, and its session after it. */
  send(connection: string, direction: Direction, body: Body): void {
    const packet: PacketSpec = { ...plainPacket, direction, body };
    const said = this.#oracle.perform({ kind: "packet", line: 0, time: this.#time, packet, expect: "" });
    const expect = (said ?? "").split(" ").slice(0, 3).join(" ");
    this.#lasts.set(`${connection} ${direction}`, this.#steps.length);
    this.#steps.push({ kind: "packet", line: 0, time: this.#time, packet, expect });
    if (body.kind !== "error") this.#look(packet);
  }

  /** An error about the last packet that this side of a connection sent, if it sent one. */
  complain(connection: string, side: Direction): void {
    const index = this.#lasts.get(`${connection} ${side}`);
    const step = index === undefined ? undefined : this.#steps[index];
    if (index === undefined || step?.kind !== "packet") return;
    const quoted = step.packet.label ?? `p${index}`;
    this.#steps[index] = { ...step, packet: { ...step.packet, label: quoted } };
    const body: Body = { kind: "error", name: "unreachable", value: 1, quoted, cut: null };
    this.send("errors", otherOf(side), body);
    this.#look(step.packet, quoted);
  }

  #look(packet: PacketSpec, of: string | null = null): void {
    const asked = {
      kind: "session",
      line: 0,
      time: this.#time,
      packet,
      of,
      state: "none",
      expires: null,
    } as const;
    const said = this.#oracle.perform(asked) ?? "none";
    const [word = "", seconds] = said.split(", expires ");
    const state = stateNames.find((name) => name === word) ?? "none";
    // Lists of sessions leave a revoked one out when its timeout has passed; its packets are dropped as ever.
    if (state === "revoked") return;
    this.#steps.push({ ...asked, state, expires: seconds === undefined ? null : Number(seconds) });
  }

  #add(step: ScriptStep): void {
    this.#oracle.perform(step);
    this.#steps.push(step);
  }
}

const plainPacket = {
  label: null,
  on: "eni-1",
  from: null,
  to: null,
  extra: null,
  part: null,
  hops: null,
  wrongChecksum: false,
} as const;

export type LifeCommand = fc.Command<World, Diary>;

function command(name: string, run: (world: World, diary: Diary) => void): LifeCommand {
  return { check: () => true, run, toString: () => name };
}

/** The opener's port and the other's: the guest connects to 443, the peer to 22. */
function portsOf(number: number, opener: Direction, side: Direction) {
  const [near, far] = opener === "egress" ? [40_000 + number, 443] : [50_000 + number, 22];
  return side === opener ? { source: near, destination: far } : { source: far, destination: near };
}

function endsOf(world: World, name: string): Ends {
  const ends = world.ends.get(name) ?? { next: { egress: 1000, ingress: 5000 }, stage: 0 };
  world.ends.set(name, ends);
  return ends;
}

/** A connection's sensible life: who sends what. */
const course: readonly { readonly byOpener: boolean; readonly flags: string; readonly length: number }[] = [
  { byOpener: true, flags: "S", length: 0 },
  { byOpener: false, flags: "SA", length: 0 },
  { byOpener: true, flags: "A", length: 0 },
  { byOpener: true, flags: "PA", length: 100 },
  { byOpener: false, flags: "A", length: 1000 },
  { byOpener: true, flags: "FA", length: 0 },
  { byOpener: false, flags: "FA", length: 10 },
  { byOpener: true, flags: "A", length: 0 },
];

const word = (value: number): number => value % 2 ** 32;

interface Segment {
  readonly flags: string;
  readonly length: number;
  /** Beside the next sequence, and beside the acknowledgement of all. */
  readonly shift: number;
  readonly ackShift: number;
}

function sendTcp(
  world: World,
  diary: Diary,
  number: number,
  opener: Direction,
  side: Direction,
  part: Segment,
) {
  const name = `tcp ${opener} ${number}`;
  const { next } = endsOf(world, name);
  const { flags, length, shift, ackShift } = part;
  const sequence = word(next[side] + shift + 2 ** 32);
  const acknowledgement = flags.includes("A") ? word(next[otherOf(side)] + ackShift + 2 ** 32) : 0;
  const ports = portsOf(number, opener, side);
  diary.send(name, side, { kind: "tcp", ports, flags, sequence, length, acknowledgement });
  const counted = length + (/[SF]/.test(flags) ? 1 : 0);
  if (shift === 0) next[side] = word(sequence + counted);
}

/** Goes on with a connection as its ends would. */
function goesOn(number: number, opener: Direction): LifeCommand {
  return command(`goes on ${opener} ${number}`, (world, diary) => {
    const ends = endsOf(world, `tcp ${opener} ${number}`);
    const { byOpener, flags, length } = course[ends.stage++ % course.length] ?? {
      byOpener: true,
      flags: "A",
      length: 0,
    };
    const side = byOpener ? opener : otherOf(opener);
    sendTcp(world, diary, number, opener, side, { flags, length, shift: 0, ackShift: 0 });
  });
}

/** A segment that is perhaps none of the connection's. */
function strays(number: number, opener: Direction, side: Direction, part: Segment): LifeCommand {
  return command(`strays ${opener} ${number} ${side} ${part.flags}`, (world, diary) =>
    sendTcp(world, diary, number, opener, side, part),
  );
}

function saysUdp(number: number, opener: Direction, side: Direction): LifeCommand {
  return command(`udp ${opener} ${number} ${side}`, (_, diary) =>
    diary.send(`udp ${opener} ${number}`, side, {
      kind: "udp",
      ports: portsOf(number, opener, side),
      length: 10,
    }),
  );
}

function echoes(identifier: number, side: Direction, isReply: boolean): LifeCommand {
  const name = isReply ? "echo-reply" : "echo";
  return command(`${name} ${identifier} ${side}`, (_, diary) =>
    diary.send(`echo ${identifier}`, side, { kind: "echo", name, identifier, length: 8 }),
  );
}

function tunnels(side: Direction): LifeCommand {
  return command(`protocol 47 ${side}`, (_, diary) =>
    diary.send("protocol 47", side, { kind: "protocol", number: 47, length: 20 }),
  );
}

/** The rules between which lives change; the first are those that they begin with. */
const settingsOfRules: readonly ScriptSetting[] = [
  { ...emptySetting, rules: ["ingress accept tcp 22/22 any", "ingress accept udp 22/22 peers"] },
  { ...emptySetting, rules: ["ingress accept all any"] },
  emptySetting,
  { ...emptySetting, rules: ["egress accept tcp 443/443 any"], defaultEgress: "drop" },
  { ...emptySetting, rules: ["ingress accept icmp any", "egress drop udp 443/443 any"] },
];

const waits = [0, 0.125, 1, 9.875, 10, 29.875, 30, 59.875, 60, 179.875, 180, 300, 909.875, 910];
const flagsOfStrays = ["S", "SA", "A", "PA", "FA", "F", "R", "RA"];

const number = fc.nat(connections - 1);
const side = fc.constantFrom(...sides);
const segment = fc.record({
  flags: fc.constantFrom(...flagsOfStrays),
  length: fc.constantFrom(0, 1, 100),
  shift: fc.constantFrom(0, 0, 0, 1, -1, -1000, 100_000, 2 ** 31),
  ackShift: fc.constantFrom(0, 0, 0, 1, -1, -100_000, 2 ** 31),
});

/** More of what makes a life long. */
function often<T>(count: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T>[] {
  return new Array<fc.Arbitrary<T>>(count).fill(arbitrary);
}

/** Lives of up to `most` commands. */
export function arbitraryLives(most: number): fc.Arbitrary<Iterable<LifeCommand>> {
  return fc.commands<World, Diary>(
    [
      ...often(
        6,
        fc.tuple(number, side).map(([n, opener]) => goesOn(n, opener)),
      ),
      ...often(
        3,
        fc.tuple(number, side, side, segment).map((given) => strays(...given)),
      ),
      ...often(
        2,
        fc.tuple(number, side, side).map((given) => saysUdp(...given)),
      ),
      fc.tuple(number, side, fc.boolean()).map((given) => echoes(...given)),
      side.map(tunnels),
      fc
        .tuple(number, side, side)
        .map(([n, opener, sender]) =>
          command(`an error about ${opener} ${n} ${sender}`, (_, diary) =>
            diary.complain(`tcp ${opener} ${n}`, sender),
          ),
        ),
      ...often(
        2,
        fc
          .constantFrom(...waits)
          .map((seconds) => command(`${seconds} s`, (_, diary) => diary.wait(seconds))),
      ),
      fc
        .constantFrom(...settingsOfRules)
        .map((setting) => command(`rules ${setting.rules.join("; ")}`, (_, diary) => diary.change(setting))),
    ],
    { maxCommands: most, size: "max" },
  );
}

export const arbitrarySettings: fc.Arbitrary<ScriptSettings> = fc.record({
  midstream: fc.constantFrom("pickup" as const, "pickup" as const, "drop" as const),
  establishedSessions: fc.constantFrom("revalidate" as const, "revalidate" as const, "keep" as const),
  timeouts: fc.constant(emptySettings.timeouts),
});

/** The life as a script, with what the oracle expects. */
export function writeLife(commands: Iterable<LifeCommand>, family: Family, settings: ScriptSettings): Script {
  const diary = new Diary("life.seq", family, settings);
  fc.modelRun(() => ({ model: { ends: new Map<string, Ends>() }, real: diary }), commands);
  return diary.script;
}
