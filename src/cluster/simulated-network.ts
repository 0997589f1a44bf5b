import type { ProbeNetwork } from '../kubelet/probes/probe-network.ts';

/** Simulated containers that run answer every probe, and nothing is sent anywhere: their addresses exist in objects only. */
export const simulatedNetwork: ProbeNetwork = {
  http: async () => ({ status: 200, headers: {}, body: 'ok' }),
  tcp: async () => { /* Connected. */ },
  grpc: async () => 'SERVING',
};
