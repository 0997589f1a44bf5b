export { startProxy, type Proxy, type ProxyOptions } from './start-proxy.ts';
export { conntrackRunner, nftRunner, type ConntrackRunner, type NftRunner } from './nft-runner.ts';
export { tracePacket, type Packet, type Trace } from './packet-trace.ts';
