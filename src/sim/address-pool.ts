/** Hands out the addresses of an IPv4 range in turn, `.2` first: the first host address is the gateway's. */
export class AddressPool {
  readonly #base: number;
  readonly #size: number;
  readonly #taken = new Set<number>();
  #next = 2;

  constructor(cidr: string) {
    const [address, bits] = cidr.split('/');
    this.#base = address!.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    this.#size = 2 ** (32 - Number(bits));
  }

  take(): string {
    for (let tried = 0; tried < this.#size; tried++) {
      const offset = this.#next;
      this.#next = this.#next + 1 >= this.#size - 1 ? 2 : this.#next + 1;
      if (this.#taken.has(offset)) continue;
      this.#taken.add(offset);
      const value = this.#base + offset;
      return [24, 16, 8, 0].map((shift) => (value / 2 ** shift) & 255).join('.');
    }
    throw new Error('no addresses left in the pod range');
  }

  free(address: string): void {
    this.#taken.delete(address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0) - this.#base);
  }
}
