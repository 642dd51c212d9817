/** Work that is done one piece after the other, in the order in which it was asked for. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as `work` does. What failed does not stop what comes later. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** Settles when everything asked for until now is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}
