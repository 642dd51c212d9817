/** An object whose `vary` makes each packet of a test run another one, and calls who judges (vary.h). */
import { indexKey, indexKeys } from "../../src/kernel/maps.ts";
import { type BpfMap, type BpfObject, type BpfProgram, native } from "../../src/kernel/native.ts";
import { countOf, encodeTargets, type Flows, firstPort } from "./flows.ts";

const loopback = 1;

export interface VaryOptions {
  /** Place in bench_ways. */
  readonly way: number;
  readonly order: "random" | "in turn";
}

export class Varied {
  readonly #vary: BpfProgram;
  readonly #nothing: BpfProgram;
  readonly #targets: BpfMap;
  readonly #state: BpfMap;
  /** Held: an array of programs is emptied when nobody has it open. */
  readonly #ways: BpfMap;
  #next = 0;

  constructor(object: BpfObject) {
    this.#vary = object.program("vary");
    this.#nothing = object.program("nothing");
    this.#targets = object.map("bench_targets");
    this.#state = object.map("bench_state");
    this.#ways = object.map("bench_ways");
  }

  static load(path: string, maxEntries: Readonly<Record<string, number>>): BpfObject {
    return native().BpfObject.load({ path, maxEntries });
  }

  writeTargets({ targets }: Flows, recordOf: (id: string) => number): void {
    this.#targets.setBatch(indexKeys(0, targets.length), encodeTargets(targets, recordOf), targets.length);
  }

  /** Flows in turn begin with the first again. */
  rewind(): void {
    this.#next = 0;
  }

  /**
   * Mean time of a packet, ns, over `repeat` of them, with the test run's own share but without vary's: as if each
   * packet had come as it is. Throws where the last one did not end with `action`.
   */
  time(flows: Flows, frame: Uint8Array, repeat: number, action: number, options: VaryOptions): number {
    const judged = this.#run(flows, frame, repeat, options);
    if (judged.retval !== action)
      throw new Error(`the last packet ended with ${judged.retval}, not ${action}`);
    const varied = this.#run(flows, frame, repeat, { ...options, way: 0 });
    const bare = this.#nothing.testRun({ data: frame, repeat, ifindex: loopback });
    if (options.order === "in turn") this.#next += repeat;
    return judged.duration - varied.duration + bare.duration;
  }

  /** Mean time of a program that does nothing: what a test run takes by itself. */
  timeNothing(frame: Uint8Array, repeat: number): number {
    return this.#nothing.testRun({ data: frame, repeat, ifindex: loopback }).duration;
  }

  #run(flows: Flows, data: Uint8Array, repeat: number, { way, order }: VaryOptions) {
    const random = order === "random" ? 1 : 0;
    const next = random === 1 ? Math.floor(performance.now() * 1000) >>> 0 : this.#next;
    const state = Uint32Array.of(way, flows.targets.length, countOf(flows), firstPort, random, next, 0, 0);
    this.#state.set(indexKey(0), new Uint8Array(state.buffer));
    return this.#vary.testRun({ data, repeat, ifindex: loopback });
  }

  close(): void {
    for (const handle of [this.#vary, this.#nothing, this.#targets, this.#state, this.#ways]) handle.close();
  }
}
