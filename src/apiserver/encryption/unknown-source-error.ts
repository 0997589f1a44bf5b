/** A stored value cannot be read before its plugin was asked for the source of its key. After `learn` it can. */
export class UnknownSourceError extends Error {
  override readonly name = 'UnknownSourceError';
  readonly learn: () => Promise<void>;

  constructor(learn: () => Promise<void>) {
    super('the source of a key is not known yet');
    this.learn = learn;
  }
}
