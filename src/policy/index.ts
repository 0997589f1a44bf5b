export { startNetworkPolicy, type NetworkPolicyEnforcement, type NetworkPolicyOptions } from './network-policy.ts';
export { tracePolicy, type PolicyPacket } from './policy-trace.ts';
