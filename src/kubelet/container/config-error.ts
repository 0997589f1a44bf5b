/** A container cannot be made as it is asked for: shown as the waiting reason, with this message. */
export class ContainerStartError extends Error {
  override readonly name = 'ContainerStartError';
  /** `CreateContainerConfigError`, `CreateContainerError`, `RunContainerError`, `PostStartHookError`, `ErrImagePull` … */
  readonly reason: string;
  /** When to try again, in milliseconds since 1970; undefined: the usual while. */
  readonly retryAtMs?: number;

  constructor(reason: string, message: string, retryAtMs?: number) {
    super(message);
    this.reason = reason;
    if (retryAtMs !== undefined) this.retryAtMs = retryAtMs;
  }
}

export const configError = (message: string): ContainerStartError => new ContainerStartError('CreateContainerConfigError', message);
