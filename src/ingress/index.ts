export { certificateList, haproxyConfiguration } from './haproxy-configuration.ts';
export { MIRROR_SCRIPT } from './mirror-script.ts';
export { startIngressController, type IngressController, type IngressProxy } from './ingress-controller.ts';
export type { ProxyPlace } from './gateway/gateway-service.ts';
export type { Routing } from './routing.ts';
