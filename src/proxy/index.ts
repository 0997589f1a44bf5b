export { startProxy, type Proxy, type ProxyOptions } from './proxy.ts';
export { conntrackRunner, type ConntrackRunner } from './conntrack-runner.ts';
export { tracePacket, type Packet, type Trace } from './packet-trace.ts';
