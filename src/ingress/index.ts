export { certificateList, haproxyConfiguration } from './haproxy-configuration.ts';
export { startIngressController, type IngressController, type IngressProxy } from './ingress-controller.ts';
export type { Routes } from './ingress-routes.ts';
