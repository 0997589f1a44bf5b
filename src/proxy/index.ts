export { startProxy, type Proxy, type ProxyOptions } from './proxy.ts';
export { conntrackRunner, nftRunner, runConntrack, runNft, type ConntrackRunner, type NftRunner } from './nft-runner.ts';
export { tracePacket, type Packet, type Trace } from './packet-trace.ts';
