/** flood.bpf.c in front of the shipped programs: a million packets of a flood are one call. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { indexKey } from "../../src/kernel/maps.ts";
import { type BpfMap, type BpfObject, type BpfProgram, native } from "../../src/kernel/native.ts";
import type { Programs } from "../../src/kernel/objects.ts";
import { compileObject } from "./compile-object.ts";
import { type FloodBed, loopback, passes } from "./flood-bed.ts";
import { encodeFlood } from "./flood-config.ts";
import { type Flood, flooder, type Step } from "./flood-kinds.ts";
import { ip } from "./host.ts";

/** Places in the arrays of flood.bpf.c. */
const behind = [
  { array: "flood_into_xdp", place: 0, program: "guest_xdp" },
  { array: "flood_into_xdp", place: 1, program: "uplink_xdp" },
  { array: "flood_into_tc", place: 0, program: "guest_tc_egress" },
] as const;

/**
 * Lets flood_xdp stand on a device that nobody uses, in a namespace of that name. A test run of many packets waits
 * for two grace periods where its XDP program stands nowhere (bpf_dispatcher_change_prog in kernel/bpf/dispatcher.c).
 */
function stand(namespace: string, pin: string): void {
  ip("netns", "add", namespace);
  ip("-n", namespace, "link", "add", "idle0", "type", "veth", "peer", "name", "idle1");
  ip("-n", namespace, "link", "set", "idle0", "xdp", "pinned", pin);
}

/** Puts the programs under test behind those of flood.bpf.c; answers the arrays, which are whole while they are open. */
function connect(flood: BpfObject, programs: Programs, namespace: string): BpfMap[] {
  const root = mkdtempSync(join(tmpdir(), "ringwall-flood-"));
  native().mountBpffs(root);
  try {
    const xdp = flood.program("flood_xdp");
    xdp.pin(join(root, "flood_xdp"));
    xdp.close();
    stand(namespace, join(root, "flood_xdp"));
    const arrays = new Map<string, BpfMap>();
    for (const { array, place, program } of behind) {
      const open = arrays.get(array);
      if (open === undefined) {
        const map = flood.map(array);
        map.pin(join(root, array));
        arrays.set(array, map);
      }
      programs[program].pin(join(root, program));
      const key = ["key", "hex", String(place), "0", "0", "0", "value", "pinned", join(root, program)];
      execFileSync("bpftool", ["map", "update", "pinned", join(root, array), ...key], { stdio: "pipe" });
    }
    return [...arrays.values()];
  } finally {
    execFileSync("umount", [root]);
    rmSync(root, { recursive: true });
  }
}

let opened = 0;

export class FloodSource {
  readonly #bed: FloodBed;
  readonly #arrays: readonly BpfMap[];
  readonly #flood: BpfMap;
  readonly #programs: Readonly<Record<"xdp" | "tc", BpfProgram>>;
  readonly #namespace = `rwk-flood-${process.pid}-${++opened}`;

  constructor(bed: FloodBed) {
    const { path, remove } = compileObject("flood");
    const object = native().BpfObject.load({ path });
    remove();
    this.#bed = bed;
    this.#arrays = connect(object, bed.programs, this.#namespace);
    this.#flood = object.map("flood");
    this.#programs = { xdp: object.program("flood_xdp"), tc: object.program("flood_tc") };
    object.close();
  }

  /**
   * Packets `first` to `first + count - 1` of a step of the flooder's, by the way that they come: from the guest
   * through its device's XDP, to it through the uplink's and its device's tc. Whether the last of them passed.
   */
  run(step: Step, first: number, count: number): boolean {
    this.#bed.stand(flooder.id);
    if (step.direction === "egress") return this.#judge("xdp", 0, step, first, count) === passes.egress;
    if (this.#judge("xdp", 1, step, first, count) !== passes.egress) return false;
    return this.#judge("tc", 0, step, first, count) === passes.ingress;
  }

  #judge(hook: "xdp" | "tc", place: number, step: Step, first: number, repeat: number): number {
    const { low, high, template } = step;
    this.#flood.set(indexKey(0), encodeFlood({ first, low, high, place }));
    return this.#programs[hook].testRun({ data: template, repeat, ifindex: loopback }).retval;
  }

  /** For another thread: what says which packets come, and the program that sends them from the guest. */
  pin(paths: { readonly map: string; readonly program: string }): void {
    this.#flood.pin(paths.map);
    this.#programs.xdp.pin(paths.program);
  }

  close(): void {
    for (const handle of [...this.#arrays, this.#flood, ...Object.values(this.#programs)]) handle.close();
    ip("netns", "del", this.#namespace);
  }
}

/** Hands out a flood in batches. */
export class FloodRun {
  readonly #source: FloodSource;
  readonly #flood: Flood;
  readonly #units: number;
  #next = 0;

  /** `units` in a batch: few enough for an answer to come before its question is forgotten. */
  constructor(source: FloodSource, flood: Flood, units: number) {
    this.#source = source;
    this.#flood = flood;
    this.#units = units;
  }

  /** The next batch, step by step; returns the packets in it. */
  send(): number {
    for (const step of this.#flood.steps) this.#source.run(step, this.#next, this.#units);
    this.#next += this.#units;
    return this.#units * this.#flood.steps.length;
  }
}
