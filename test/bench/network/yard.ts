/** The lanes of a run side by side: each a host with guests and what stands between them, made and taken away together. */
import { cpus } from "node:os";
import { Driver } from "../../kernel/namespace.ts";
import { Links, type Place } from "../../network/links.ts";
import type { Sending, Sent } from "./ends.ts";
import { type Bed, buildFrame, makeBed } from "./guests.ts";
import type { Lane, LaneKind, LaneKinds } from "./lanes.ts";
import type { RuleSet } from "./rules.ts";
import type { Tools } from "./tools.ts";

export interface Stand {
  readonly name: string;
  readonly kind: LaneKind;
  readonly bed: Bed;
  readonly lane: Lane;
}

/** Of two CPUs the sender has one to itself, as far as it is asked to be: what else runs here is not measured. */
export function startEnds(place: Place, { ends, frames: object }: Tools): Driver {
  const alone = ["-n", "-20", "taskset", "-c", String(cpus().length - 1)];
  return new Driver(place.spawn("nice", [...alone, process.execPath, ends, object]));
}

/** Who ends the bench early leaves nothing behind, either. Answers what takes that back. */
export function closeOnSignals(close: () => Promise<void>): () => void {
  const end = () => void close().finally(() => process.exit(1));
  const names = ["SIGINT", "SIGTERM"] as const;
  for (const name of names) process.once(name, end);
  return () => {
    for (const name of names) process.off(name, end);
  };
}

const frames = { forth: buildFrame(1, 2), back: buildFrame(2, 1) };

export class Yard {
  readonly stands: Stand[] = [];
  readonly #links = new Links("bench");
  readonly #tools: Tools;
  readonly #ends: Place;
  readonly #driver: Driver;
  #closed: Promise<void> | null = null;
  readonly #release = closeOnSignals(() => this.close());

  private constructor(tools: Tools) {
    this.#tools = tools;
    this.#ends = this.#links.add("ends");
    this.#driver = startEnds(this.#ends, tools);
  }

  static async open(kinds: LaneKinds, tools: Tools): Promise<Yard> {
    const yard = new Yard(tools);
    try {
      for (const [name, kind] of Object.entries(kinds)) await yard.#add(name, kind);
    } catch (error) {
      await yard.close();
      throw error;
    }
    return yard;
  }

  async #add(name: string, kind: LaneKind): Promise<void> {
    const bed = makeBed(this.#links, kind.short, this.#ends, kind.bridged);
    await this.#driver.call("tally", [bed.sender, bed.receiver]);
    this.stands.push({ name, kind, bed, lane: await kind.open(bed, this.#tools) });
  }

  async setRules(rules: RuleSet): Promise<void> {
    for (const { lane } of this.stands) await lane.setRules(rules);
  }

  /** Frames of guest 1 to guest 2, or, `back`, of guest 2 to guest 1. */
  send({ bed }: Stand, sending: Omit<Sending, "device" | "to" | "frame">): Promise<Sent> {
    const [device, to] = sending.back ? [bed.receiver, bed.sender] : [bed.sender, bed.receiver];
    return this.#driver.call<Sent>("send", {
      ...sending,
      device,
      to,
      frame: sending.back ? frames.back : frames.forth,
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    for (const { lane } of this.stands) await lane.close();
    await this.#driver.kill();
    this.#links.remove();
    this.#release();
  }
}
