/**
 * Looks once a second whether what keeps the host protected is still there: the bpffs, the pins, the programs of each
 * device. What somebody took away is made again; what failed is tried again, ever more rarely. A device that has just come
 * is open until it has its programs, so it goes before the rest of a look.
 */
import { isAmiss, type Look } from "./device-look.ts";
import { errorText } from "./errors.ts";
import { nextTurn } from "./slices.ts";
import type { GuardStatus } from "./status.ts";

/** Between two looks, ms: what is taken away stands again within a second. */
const lookEvery = 1000;
/** Between two attempts at what goes on failing, in looks. */
const rarest = 60;

export interface Guarded {
  /** Makes pins again that are missing; true where one was. */
  readonly restore: () => boolean;
  /** Gets ready, without holding up others, what the look at devices asks. */
  readonly prepare: () => Promise<void>;
  /** What became of the programs on devices since the last look; at each `yield` others may go first. */
  readonly lookAtDevices: () => Generator<void, Look>;
  /** Why devices or uplinks do not follow the model; null: they do. */
  readonly unfinished: () => string | null;
  /** Whether nothing protects some device; its own state says why. */
  readonly hasFailed: () => boolean;
  /** Puts right what devices lack, and asks these whatever they have; null: all. */
  readonly follow: (told: ReadonlySet<number> | null) => Promise<void>;
  /** Looks at what else may have changed unheard. */
  readonly look: () => void;
  /** Told when pins were made again, or cannot be, and when programs were taken away. */
  readonly onNotice: (message: string) => void;
}

/** Does one piece of work between others', in the order in which they asked. */
type Turn = (work: () => Promise<void>) => Promise<void>;

export class Guard {
  readonly #guarded: Guarded;
  #timer: NodeJS.Timeout | null = null;
  #restored = 0;
  #detached = 0;
  #replaced = 0;
  #problem: string | null = null;
  #blindness: string | null = null;
  /** Looks until the next attempt, and until the one after it. */
  #wait = 0;
  #pause = 1;

  constructor(guarded: Guarded) {
    this.#guarded = guarded;
  }

  start(run: Turn): void {
    let isLooking = false;
    this.#timer = setInterval(() => {
      if (isLooking) return;
      isLooking = true;
      this.look(run)
        // Each part of a look says itself what went wrong.
        .catch(() => undefined)
        .finally(() => {
          isLooking = false;
        });
    }, lookEvery);
    this.#timer.unref();
  }

  get status(): GuardStatus {
    const problem = this.#problem ?? this.#blindness ?? this.#guarded.unfinished();
    return { restored: this.#restored, detached: this.#detached, replaced: this.#replaced, problem };
  }

  /** Before each step the event loop hears of what came, and whoever asked until then goes first. */
  async look(run: Turn): Promise<void> {
    await this.#guarded.prepare();
    const steps = this.#steps();
    for (let isOver = false; !isOver; ) {
      await nextTurn();
      await run(async () => {
        isOver = (await steps.next()).done === true;
      });
    }
  }

  async *#steps(): AsyncGenerator<void> {
    this.#restore();
    yield;
    this.#guarded.look();
    yield;
    const others = yield* this.#findOthers();
    if (others === null) await this.#retry();
    else await this.#guarded.follow(new Set(others));
  }

  /** Where programs were taken off devices, or others put there, since the last look: the latter devices; null: nowhere. */
  *#findOthers(): Generator<void, readonly number[] | null> {
    try {
      const found = yield* this.#guarded.lookAtDevices();
      const { detached, replaced, others } = found;
      this.#blindness = null;
      this.#detached += detached;
      this.#replaced += replaced;
      const were = (count: number) => (count === 1 ? "a program was" : `${count} programs were`);
      if (detached > 0)
        this.#guarded.onNotice(
          `${were(detached)} taken off devices: packets passed unjudged until it was noticed`,
        );
      if (replaced > 0)
        this.#guarded.onNotice(
          `${were(replaced)} replaced on devices by another one: packets passed as that one let them, until ours was put back`,
        );
      return isAmiss(found) ? others : null;
    } catch (error) {
      this.#blindness = `whether the programs still stand on their devices cannot be seen: ${errorText(error)}`;
      return null;
    }
  }

  #restore(): void {
    const before = this.#problem;
    try {
      const isMissing = this.#guarded.restore();
      this.#problem = null;
      if (!isMissing) return;
      this.#restored++;
      this.#guarded.onNotice("pins were taken away, and made again: nothing was detached meanwhile");
    } catch (error) {
      this.#problem = `pins were taken away and cannot be made again, so the host opens when the agent ends: ${errorText(error)}`;
      if (before !== this.#problem) this.#guarded.onNotice(this.#problem);
    }
  }

  async #retry(): Promise<void> {
    const unfinished = this.#guarded.unfinished();
    if (unfinished === null && !this.#guarded.hasFailed()) {
      this.#wait = 0;
      this.#pause = 1;
      return;
    }
    if (this.#wait-- > 0) return;
    this.#wait = this.#pause;
    this.#pause = Math.min(rarest, this.#pause * 2);
    // What failed at a device is known of that; what did not come to its end may have left any.
    await this.#guarded.follow(unfinished === null ? new Set() : null);
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}
