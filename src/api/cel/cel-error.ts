/** An expression is wrong, or could not be evaluated on these values. The message goes to users. */
export class CelError extends Error {
  override readonly name = 'CelError';
}
