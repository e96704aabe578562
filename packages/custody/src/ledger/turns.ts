/** Lets one piece of work run at a time, in the order asked. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  async take<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work, work);
    // The next in line only waits; failures belong to whoever asked.
    this.#last = turn.catch(() => undefined);
    return await turn;
  }
}
