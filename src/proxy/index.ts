export { startProxy, type Proxy, type ProxyOptions } from './proxy.ts';
export { conntrackRunner, runConntrack, type ConntrackRunner } from './conntrack-runner.ts';
export { tracePacket, type Packet, type Trace } from './packet-trace.ts';
