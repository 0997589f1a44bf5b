/** gRPC's status codes that are told apart here. */
export const GrpcStatus = { Canceled: 1, Unknown: 2, DeadlineExceeded: 4, PermissionDenied: 7, ResourceExhausted: 8, Unimplemented: 12, Internal: 13, Unavailable: 14, Unauthenticated: 16 } as const;

/** What a call ended with other than OK. `message` and `details` are the server's words. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;
  readonly details: string;

  constructor(code: number, details: string, options?: ErrorOptions) {
    super(details, options);
    this.code = code;
    this.details = details;
  }
}
