/** An answer other than success, in plain text as upstream's kubelet gives it. */
export class HttpFault extends Error {
  override readonly name = 'HttpFault';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
