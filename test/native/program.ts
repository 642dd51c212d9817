/** The verdict compiled for this machine, under sanitizers: what its maps hold, the frames, its verdicts. */
import { spawnSync } from "node:child_process";
import {
  Direction as DirectionNumber,
  EventStruct,
  InterfaceFlag,
  SessionKeyStruct,
  SessionStruct,
  SessionTable,
  SettingsStruct,
} from "../../src/kernel/layout.gen.ts";
import { indexKey } from "../../src/kernel/maps.ts";
import { encodeSettings, type KernelSettings } from "../../src/kernel/settings.ts";
import type { PacketVerdict, SessionTableName } from "../../src/kernel/status.ts";
import { decodeTrace } from "../../src/kernel/trace.ts";
import type { Direction } from "../../src/model/model.ts";
import type { InterfaceLife } from "../semantics/steps.ts";
import { hex, toHex } from "../support/packet.ts";
import type { FakeMaps } from "../unit/kernel/fake-maps.ts";

/** Jiffies a second, and where they begin: their low 32 bits wrap after ten seconds. */
export const hz = 1000;
const firstJiffies = 2 ** 32 - 10 * hz;

/** Jiffies, whole, at so many seconds since the first frame. */
export function nativeJiffies(time: number): number {
  return firstJiffies + Math.round(time * hz);
}

/** What the record of an interface says beside what the agent wrote. */
const stateFlags: Readonly<Record<InterfaceLife, number>> = {
  ready: 0,
  "not-ready": InterfaceFlag.INTERFACE_NOT_READY,
  removed: InterfaceFlag.INTERFACE_REMOVED,
};

export interface NativeFrame {
  readonly direction: Direction;
  /** Of the interface, in rw_interfaces. */
  readonly record: number;
  readonly state?: InterfaceLife;
  /** Seconds since the first frame. */
  readonly time: number;
  readonly frame: Uint8Array;
}

/** The names that the programs give what FakeMaps calls otherwise; what they hold for devices is not asked. */
const mapNames = {
  interfaces: "rw_interfaces",
  owned: "rw_owned",
  listed: "rw_listed",
  identities: "rw_identities",
  slots: "rw_slots",
  policies: "rw_policies",
  cells: "rw_cells",
  words: "rw_words",
  prefixes: "rw_prefixes",
  groupBits: "rw_group_bits",
} as const satisfies Partial<Record<keyof FakeMaps, string>>;

/** Commands for the program, collected; main.c says what each means. */
export class Script {
  readonly #lines: string[] = [];
  readonly #start: number;
  frames = 0;
  #tellings = 0;

  /** `start`: seconds of UTC at time 0. */
  constructor(start: number) {
    this.#start = start;
  }

  set(map: string, key: Uint8Array, value: Uint8Array): void {
    this.#lines.push(`set ${map} ${toHex(key)} ${toHex(value)}`);
  }

  /** A command as main.c knows it; one that answers nothing. */
  say(command: string): void {
    this.#lines.push(command);
  }

  get text(): string {
    return `${this.#lines.join("\n")}\n`;
  }

  configure(settings: KernelSettings): void {
    this.set("rw_settings", indexKey(0), SettingsStruct.encode(encodeSettings(settings, hz, 0)));
  }

  /** Everything that a change wrote, in place of what stood there. */
  async load(maps: FakeMaps): Promise<void> {
    for (const [from, to] of Object.entries(mapNames)) {
      this.#lines.push(`clear ${to}`);
      const { count, keys, values } = await maps[from as keyof typeof mapNames].entriesAsync();
      const [keySize, valueSize] = [keys.length / count, values.length / count];
      for (let at = 0; at < count; at++) {
        const key = keys.subarray(at * keySize, (at + 1) * keySize);
        this.set(to, key, values.subarray(at * valueSize, (at + 1) * valueSize));
      }
    }
  }

  makeTables(number: number, entries: number): void {
    this.#lines.push(`tables ${number} ${entries}`);
  }

  judge({ direction, record, state = "ready", time, frame }: NativeFrame): void {
    const side = direction === "egress" ? DirectionNumber.EGRESS : DirectionNumber.INGRESS;
    const tai = BigInt(Math.round((this.#start + time) * 1e6)) * 1000n;
    const who = `${side} ${record} ${stateFlags[state]}`;
    this.#lines.push(`frame ${who} ${nativeJiffies(time)} ${tai} ${toHex(frame) || "-"}`);
    this.frames++;
  }

  /** Asks for the session tables of an interface number, as they are then. */
  tellSessions(number: number): void {
    this.#lines.push(`sessions ${number}`);
    this.#tellings++;
  }

  /** One verdict a frame, in order. Throws with the sanitizers' report, or where a command was refused. */
  run(program: string): readonly PacketVerdict[] {
    return this.runAndTell(program).verdicts;
  }

  /** Its verdicts, and the tables each time that they were asked for; throws as `run` does. */
  runAndTell(program: string): NativeAnswers {
    const { end, stderr, lines } = runProgram(program, this.text);
    const answers = readAnswers(lines);
    const { verdicts, tellings } = answers;
    if (end !== 0) throw new Error(`ended with ${end} at frame ${verdicts.length}:\n${stderr}`);
    if (verdicts.length !== this.frames) {
      throw new Error(`${verdicts.length} verdicts on ${this.frames} frames`);
    }
    if (tellings.length !== this.#tellings) {
      throw new Error(`${tellings.length} of ${this.#tellings} times were sessions told`);
    }
    return answers;
  }
}

/** Gives the program its commands; the lines that it answers, and how it ended. */
export function runProgram(
  program: string,
  text: string,
): { readonly end: number | string | null; readonly stderr: string; readonly lines: readonly string[] } {
  const { status, signal, stdout, stderr, error } = spawnSync(program, {
    input: text,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    // The maps live as long as the process: that is no leak.
    env: { ...process.env, ASAN_OPTIONS: "detect_leaks=0", UBSAN_OPTIONS: "print_stacktrace=1" },
  });
  if (error !== undefined) throw error;
  return { end: status ?? signal, stderr, lines: stdout.split("\n").filter((line) => line !== "") };
}

/** An entry of a session table. */
export interface NativeSession {
  readonly table: SessionTableName;
  readonly key: SessionKeyStruct;
  readonly entry: SessionStruct;
}

export interface NativeAnswers {
  readonly verdicts: readonly PacketVerdict[];
  /** By frame: did it go the express way? */
  readonly express: readonly boolean[];
  readonly events: readonly EventStruct[];
  readonly tellings: readonly (readonly NativeSession[])[];
}

export function readAnswers(lines: readonly string[]): NativeAnswers {
  const verdicts: PacketVerdict[] = [];
  const express: boolean[] = [];
  const events: EventStruct[] = [];
  const tellings: NativeSession[][] = [];
  let told: NativeSession[] = [];
  for (const line of lines) {
    if (line.startsWith("session ")) {
      told.push(readSession(line));
    } else if (line === "end") {
      tellings.push(told);
      told = [];
    } else if (line.startsWith("event ")) {
      events.push(EventStruct.decode(hex(line.slice("event ".length)), 0));
    } else {
      verdicts.push(readVerdict(line));
      express.push(line.endsWith(" 1"));
    }
  }
  return { verdicts, express, events, tellings };
}

const tableNames: Readonly<Record<string, SessionTableName>> = {
  [SessionTable.TABLE_OPENING]: "opening",
  [SessionTable.TABLE_ANSWERED]: "answered",
  [SessionTable.TABLE_ESTABLISHED]: "established",
};

export function readSession(line: string): NativeSession {
  const [, number = "", key = "", value = ""] = line.split(" ");
  const table = tableNames[number];
  if (table === undefined) throw new Error(`"${line}" names no session table`);
  return {
    table,
    key: SessionKeyStruct.decode(hex(key), 0),
    entry: SessionStruct.decode(hex(value), 0),
  };
}

export function readVerdict(line: string): PacketVerdict {
  const [action = 0, reason = 0, session = 0, rule = 0, ruleSide = 0, version = 0] = line
    .split(" ")
    .map(Number);
  return decodeTrace({ count: 0, action, reason, session, rule, ruleSide, version });
}
