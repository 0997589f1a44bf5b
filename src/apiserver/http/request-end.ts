/**
 * The end of one request: its client went away or has its answer, or the server stops. The AbortSignal that tells of it is made when it is first
 * asked for: most work is done within a turn or two and asks for none, and one costs as much as a read.
 */
export class RequestEnd {
  #controller: AbortController | undefined;
  #came = false;
  #reason: unknown;

  get came(): boolean {
    return this.#came;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#came) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  /** Only the first call counts. */
  come(reason: unknown): void {
    if (this.#came) return;
    this.#came = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
  }
}
