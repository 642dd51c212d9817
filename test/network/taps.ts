/** Tap devices, as of virtual machines, and the wire (wire.c) that carries between two of them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { compileProgram } from "./frame-pair.ts";
import type { Place } from "./links.ts";

export interface TapEnd {
  readonly place: Place;
  readonly device: string;
}

/** Tap devices that stay when no process holds them. */
export function makeTaps(...ends: readonly TapEnd[]): void {
  for (const { place, device } of ends) place.ip("tuntap", "add", device, "mode", "tap", "vnet_hdr");
}

/** Compiles wire.c; answers the program's path. */
export function buildWire(folder: string): string {
  return compileProgram(fileURLToPath(new URL("wire.c", import.meta.url)), folder);
}

/** Carries between the two of each pair until it is killed. Devices that were not there before go with it. */
export async function startWire(
  program: string,
  ...pairs: readonly (readonly [TapEnd, TapEnd])[]
): Promise<ChildProcess> {
  const words = pairs.flat().flatMap(({ place, device }) => [place.path, device]);
  const wire = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
  await once(wire.stdout, "data");
  return wire;
}

/** Ends what was started here; settles when it is gone, and its devices with it. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
