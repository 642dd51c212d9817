/** A change that waits for its confirmation, and the state that it goes back to. */
import { bindDevices } from "./bindings.ts";
import { listEntries } from "./confirm-entries.ts";
import { Confirmation, type ConfirmPlaces, type Decision } from "./confirmation.ts";
import { digest64 } from "./digest.ts";
import type { ModelInForce } from "./enforcer.ts";
import type { LinkInfo } from "./native.ts";
import type { ChangePlan } from "./plan.ts";
import { type KnownState, removedRecord } from "./state.ts";

/** Which record each interface had, by the digest of its id. */
type Before = Pick<KnownState, "live" | "numbers">;

export class Hold {
  readonly #confirmation: Confirmation;
  #before: Before;
  /** The state that the engine knows is what the kernel decided. */
  #concluded = false;

  private constructor(confirmation: Confirmation, before: Before) {
    this.#confirmation = confirmation;
    this.#before = before;
  }

  /** Switches what `plan` switches; `known` is still as it was before. Throws EnforcementError with nothing switched. */
  static begin(places: ConfirmPlaces, known: KnownState, plan: ChangePlan, seconds: number): Hold {
    const before = { live: new Map(known.live), numbers: new Map(known.numbers) };
    return new Hold(Confirmation.begin(places, listEntries(known, plan), seconds), before);
  }

  /** What an earlier agent left; null: nothing. */
  static find(places: ConfirmPlaces): Hold | null {
    const found = Confirmation.find(places);
    if (found === null) return null;
    const hold = new Hold(found, { live: new Map(), numbers: new Map() });
    hold.#concluded = found.state !== "waiting";
    return hold;
  }

  get confirmation(): Pick<Confirmation, "state" | "deadline_seconds" | "generationBefore"> {
    return this.#confirmation;
  }

  /** Nothing that the state before needs may be deleted or written over. */
  get binds(): boolean {
    return !this.#concluded;
  }

  /** The kernel decided, and the agent has not followed yet. */
  get isOverdue(): boolean {
    return !this.#concluded && this.#confirmation.state !== "waiting";
  }

  /** What an agent that starts found in the maps. */
  set before(before: Before) {
    this.#before = before;
  }

  /** Interface numbers of the state before. */
  get numbers(): Iterable<number> {
    return this.#before.numbers.values();
  }

  /** Whether a place of rw_interfaces holds what the state before needs. */
  needsRecord(record: number): boolean {
    return this.binds && [...this.#before.live.values()].includes(record);
  }

  /** Tells the kernel where the devices that are in use now go back to. */
  follow(devices: Iterable<number>, bindings: ReadonlyMap<number, string>): void {
    const returns = new Map<number, number>();
    for (const ifindex of devices) {
      const holder = bindings.get(ifindex);
      const number = holder === undefined ? undefined : this.#before.numbers.get(digest64(holder));
      const record = number === undefined ? undefined : this.#before.live.get(number);
      returns.set(ifindex, record ?? removedRecord);
    }
    this.#confirmation.follow(returns);
  }

  /** Decides where nobody has yet; settles with what was decided. */
  async decide(decision: Decision): Promise<"kept" | "reverted"> {
    const outcome = await this.#confirmation.decide(decision);
    this.#concluded = true;
    return outcome;
  }

  /** Takes away what the kernel remembers of the decision. */
  remove(): void {
    this.#confirmation.remove();
  }

  close(): void {
    this.#confirmation.close();
  }
}

/** The model before a change that waits, and which devices its interfaces are on. */
export class ModelBefore {
  readonly model: ModelInForce;
  #bindings: ReadonlyMap<number, string>;

  constructor(model: ModelInForce, bindings: ReadonlyMap<number, string>) {
    this.model = model;
    this.#bindings = bindings;
  }

  /** Devices come and go while the change waits. */
  bind(
    links: ReadonlyMap<number, LinkInfo>,
    isSame: (ifindex: number) => boolean,
  ): ReadonlyMap<number, string> {
    this.#bindings = bindDevices(this.model.resolved.interfaces, links, this.#bindings, isSame);
    return this.#bindings;
  }
}
