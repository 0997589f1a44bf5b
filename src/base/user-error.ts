/**
 * A fault that the user can do something about: `message` says what failed and why, `remedy` what to do.
 * The mains print it without a stack trace and leave with code 1.
 */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly remedy: string | undefined;

  constructor(message: string, remedy?: string, options?: ErrorOptions) {
    super(message, options);
    this.remedy = remedy;
  }
}
