/** Tries again, ever more rarely, what failed for a reason that may pass. */

/** Seconds until the first attempt after one that failed, and between two at the most. */
const firstPause = 1;
const longestPause = 60;

export interface RetryOptions {
  readonly attempt: () => Promise<void>;
  /** Whether the same may succeed later, although nobody changes anything. */
  readonly mayPass: (error: unknown) => boolean;
  /** `again`: when it is tried again; null: it is not. */
  readonly onFailure: (error: unknown, again: Date | null) => void;
}

export class Retry {
  readonly #options: RetryOptions;
  #timer: NodeJS.Timeout | undefined;
  #again: Date | null = null;
  /** Of the newest request: what became of an earlier one means nothing any more. */
  #request = 0;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** When it is tried again; null: the last attempt did not fail, or is not worth another. */
  get again(): Date | null {
    return this.#again;
  }

  /** Tries now, in place of what was to be tried again. Never throws; settles after this one attempt. */
  now(): Promise<void> {
    this.cancel();
    return this.#try(this.#request, firstPause);
  }

  async #try(request: number, pause: number): Promise<void> {
    try {
      await this.#options.attempt();
      if (request === this.#request) this.#again = null;
    } catch (error) {
      const isDue = request === this.#request && this.#options.mayPass(error);
      if (request === this.#request) this.#again = isDue ? new Date(Date.now() + pause * 1000) : null;
      if (isDue) this.#schedule(request, pause);
      this.#options.onFailure(error, isDue ? this.#again : null);
    }
  }

  #schedule(request: number, pause: number): void {
    const next = Math.min(pause * 2, longestPause);
    this.#timer = setTimeout(() => void this.#try(request, next), pause * 1000);
    this.#timer.unref();
  }

  /** What was to be tried again need not be; an attempt that was asked for goes on. */
  settle(): void {
    if (this.#again !== null) this.cancel();
  }

  cancel(): void {
    clearTimeout(this.#timer);
    this.#request++;
    this.#again = null;
  }
}
