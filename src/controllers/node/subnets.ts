/**
 * The first subnet of `maskSize` bits in an IPv4 range that is not taken; undefined when all are. The very first is left
 * to the host, so that node n has subnet n: `10.244.0.0/16` gives `10.244.1.0/24`, `10.244.2.0/24` …
 */
export function firstFreeSubnet(range: string, maskSize: number, taken: Iterable<string>): string | undefined {
  const [network = '', bits = '32'] = range.split('/');
  const size = 2 ** (32 - maskSize);
  const base = toNumber(network);
  const count = 2 ** (maskSize - Number(bits));
  const used = new Set(taken);
  for (let index = 1; index < count; index++) {
    const subnet = `${toText(base + index * size)}/${maskSize}`;
    if (!used.has(subnet)) return subnet;
  }
  return undefined;
}

function toNumber(address: string): number {
  return address.split('.').reduce((value, byte) => value * 256 + Number(byte), 0);
}

function toText(value: number): string {
  return [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(value / unit) % 256).join('.');
}
