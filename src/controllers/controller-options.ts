import type { CustomMetrics } from './autoscaler/custom-metrics.ts';
import type { MetricsReader } from './autoscaler/metrics-reader.ts';
import type { CertificateSigner } from './certificate/certificate-signer.ts';

/** What can be set about the controllers; all have upstream's defaults. Times in milliseconds. */
export interface ControllerOptions {
  /** PEM; published to every namespace as `kube-root-ca.crt`. Absent: nothing is published. */
  readonly rootCertificate?: string;
  /** The range that nodes get their pod ranges from, `10.244.0.0/16`; absent: nodes bring their own. */
  readonly clusterCidr?: string;
  /** In a cluster of both families: the range of IPv6 that goes with a node's range of IPv4. */
  readonly secondNodeCidr?: (first: string) => string;
  /** Bits of a node's range. Default 24. */
  readonly nodeCidrMaskSize?: number;
  /** Without a sign of life for so long, a node's readiness becomes Unknown. Default 50 s. */
  readonly nodeMonitorGraceMs?: number;
  /** How often nodes are looked at. Default 5 s. */
  readonly nodeMonitorPeriodMs?: number;
  /** So many ended pods are kept. Default 12500. */
  readonly terminatedPodThreshold?: number;
  /** Absent: approved certificate requests stay unsigned. */
  readonly certificateSigner?: CertificateSigner;
  /** What pods use, for autoscaling. Default: read from `metrics.k8s.io`. */
  readonly metrics?: MetricsReader;
  /** Figures that other servers serve, for autoscaling. Default: there are none. */
  readonly customMetrics?: CustomMetrics;
}
