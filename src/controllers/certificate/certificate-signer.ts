export interface SigningRequest {
  /** PEM of the PKCS #10 request. */
  readonly request: string;
  readonly signerName: string;
  /** `client auth`, `server auth`, `digital signature` … */
  readonly usages: readonly string[];
  readonly expirationSeconds?: number;
}

/** Signs with the cluster's CA: resolves to the certificate chain in PEM, rejects with the reason why it does not. */
export type CertificateSigner = (request: SigningRequest) => Promise<string>;
