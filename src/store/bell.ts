/** Lets one wait for something that happens at any time, or for a while. */
export class Bell {
  #ring: () => void = () => undefined;

  ring(): void {
    this.#ring();
  }

  /** Resolves at the next ring from now on, after some milliseconds, or when the signal is aborted. */
  next(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      signal.addEventListener("abort", done);
      this.#ring = done;
    });
  }
}
