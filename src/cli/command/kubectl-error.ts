/** A fault that ends the call: printed as `error: MESSAGE` with exit code 1. */
export class KubectlError extends Error {
  readonly code: number;
  /** Printed as it is, without `error: `. */
  readonly bare: boolean;
  /** What goes to standard output before it. */
  readonly printed: string;
  /** Whether the verb's help goes to standard output before it. */
  readonly helped: boolean;

  constructor(message: string, options: { readonly code?: number; readonly bare?: boolean; readonly printed?: string; readonly helped?: boolean } = {}) {
    super(message);
    this.code = options.code ?? 1;
    this.bare = options.bare ?? false;
    this.printed = options.printed ?? '';
    this.helped = options.helped ?? false;
  }
}
