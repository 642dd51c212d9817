/** Work that is done one piece after the other, in the order in which it was asked for. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();
  #isDue = false;

  /** Settles as `work` does. What failed does not stop what comes later. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** One run for all who ask until it begins; they all ask for the same work. Settles at once where it is due already. */
  async runOnce(work: () => Promise<void>): Promise<void> {
    if (this.#isDue) return;
    this.#isDue = true;
    await this.run(() => {
      this.#isDue = false;
      return work();
    });
  }

  /** Settles when everything asked for until now is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
