import { BlockList } from 'node:net';
import { isIP } from '../base/ip-family.ts';
import { serviceUnavailable } from '../api/errors.ts';

/** Keeps the server from sending to addresses that exist in objects only: pods and services of simulated nodes. */
export class DialGuard {
  readonly #ranges = new BlockList();

  /** `10.244.0.0/16`. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [network, bits] = range.split('/');
      this.#ranges.addSubnet(network!, Number(bits), isIP(network!) === 6 ? 'ipv6' : 'ipv4');
    }
  }

  /** Throws 503 for an address of the ranges; names and other addresses pass. */
  check(host: string): void {
    const family = isIP(host);
    if (family !== 0 && this.#ranges.check(host, family === 6 ? 'ipv6' : 'ipv4')) {
      throw serviceUnavailable(`${host} is the address of a simulated pod, which has no network; start the cluster with --runtime containerd to reach pods`);
    }
  }
}
