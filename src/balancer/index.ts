export { BALANCER_CLASS, startBalancer, type Balancer, type BalancerOptions, type Routes } from './balancer.ts';
export { startPendingExplainer, type PendingExplainerOptions } from './pending-explainer.ts';
