import { afterAll, beforeAll, expect, it } from "vitest";
import { resolve } from "../../../src/policy/resolve.ts";
import { objectPath } from "../../kernel/host.ts";
import { hex } from "../../support/packet.ts";
import { sayKernel } from "../../support/say.ts";
import { seed } from "../../support/seed.ts";
import { sanitizedProgram } from "../build.ts";
import { readVerdict, runProgram } from "../program.ts";
import { settings, stages } from "./models.ts";
import { Kernel, saySessions } from "./three.ts";
import { interfaceIds, makeWorld, type World } from "./world.ts";

/** Frames; ten million in `make torture`. */
const wanted = process.env.RINGWALL_TORTURE === "all" ? 10_000_000 : 60_000;
/** Of one interface, direction and time. */
const batch = 250;
/** In a life; after it nothing is remembered, so no table is ever full. */
const rounds = 4;
const entries = 4096;
/** Seconds between two rounds: some sessions end, most do not. */
const pause = 7;
const directions = ["egress", "ingress"] as const;

let world: World;
let program = "";
let kernel: Kernel;

beforeAll(async () => {
  world = await makeWorld();
  program = sanitizedProgram();
  kernel = await Kernel.open(objectPath);
});
afterAll(() => kernel?.close());

/** A batch of a life, in the order in which they are judged. */
interface Turn {
  readonly place: number;
  readonly direction: (typeof directions)[number];
  readonly time: number;
}

const turns: readonly Turn[] = Array.from({ length: rounds }, (_, round) =>
  directions.flatMap((direction) =>
    interfaceIds.map((_id, place) => ({ place, direction, time: round * pause })),
  ),
).flat();

function sayLife(life: number): string {
  const told = turns.map(
    ({ place, direction, time }, turn) =>
      `talk ${(seed * 1e6 + life) * turns.length + turn + 1} ${batch} ${place} ${directions.indexOf(direction)} ${time * 1000}\n`,
  );
  const sessions = world.numbers.map((number) => `sessions ${number}\n`);
  return `begin ${life % settings.length} ${entries}\n${told.join("")}${sessions.join("")}`;
}

interface Heard {
  readonly frames: readonly Uint8Array[];
  readonly verdicts: readonly string[];
  /** What was told of each interface's sessions. */
  readonly sessions: readonly (readonly string[])[];
}

/** Made frames, their verdicts in the same words as the kernel's, and sessions. */
function hear(life: number): Heard {
  const { end, stderr, lines } = runProgram(program, world.text + sayLife(life));
  if (end !== 0) throw new Error(`seed ${seed}, life ${life}: ended with ${end}: ${stderr}`);
  const frames: Uint8Array[] = [];
  const verdicts: string[] = [];
  const sessions: string[][] = [[]];
  const [first] = stages;
  if (first === undefined) throw new Error("the world has no stage");
  const resolved = resolve(first, { host: "here" });
  for (const line of lines) {
    if (line.startsWith("made ")) frames.push(hex(line.slice("made ".length)));
    else if (line === "end") sessions.push([]);
    else if (line.startsWith("session ")) sessions.at(-1)?.push(line);
    else {
      const place = turns[Math.floor(verdicts.length / batch)]?.place ?? 0;
      verdicts.push(sayKernel(readVerdict(line), resolved, interfaceIds[place] ?? ""));
    }
  }
  return { frames, verdicts, sessions: sessions.slice(0, -1) };
}

it("made-up frames by the thousand are judged by the shipped programs as by the native build, sessions too", async () => {
  const reasons = new Set<string>();
  let compared = 0;
  for (let life = 0; compared < wanted; life++) {
    const { frames, verdicts, sessions } = hear(life);
    await kernel.begin(life);
    for (const [turn, { place, direction, time }] of turns.entries()) {
      const [from, to] = [turn * batch, (turn + 1) * batch];
      const said = kernel.judgeMany(place, direction, frames.slice(from, to), time);
      expect(said, `seed ${seed}, life ${life}, turn ${turn}`).toEqual(verdicts.slice(from, to));
      for (const verdict of said) reasons.add(verdict.split(" ")[1] ?? "");
      compared += said.length;
    }
    const left = saySessions(sessions, settings[life % settings.length], (rounds - 1) * pause);
    expect(await kernel.sessions(), `seed ${seed}, life ${life}`).toEqual(left);
  }
  console.log(`seed ${seed}: ${compared} frames, ${reasons.size} reasons`);
  expect(reasons.size).toBeGreaterThan(15);
}, 86_400_000);
