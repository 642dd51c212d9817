/** Lets one wait for something that happens at any time, or for a while. */
export class Bell {
  #ring: () => void = () => undefined;

  ring(): void {
    this.#ring();
  }

  /** Resolves at the next ring from now on (true), after some milliseconds, or when the signal is aborted (false). */
  next(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (isRung: boolean) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        resolve(isRung);
      };
      const onAbort = () => done(false);
      const timer = setTimeout(() => done(false), milliseconds);
      signal.addEventListener("abort", onAbort);
      this.#ring = () => done(true);
    });
  }
}
