import { signal } from '@preact/signals';

/** Now, by the second, while somebody looks. */
export const now = signal(Date.now());
setInterval(() => { if (!document.hidden) now.value = Date.now(); }, 1000);
document.addEventListener('visibilitychange', () => { now.value = Date.now(); });

const GIB = 1024 ** 3;

export function bytes(amount: number): string {
  if (amount >= GIB * 1024) return `${round(amount / GIB / 1024)} TiB`;
  return amount >= GIB ? `${round(amount / GIB)} GiB` : `${Math.round(amount / 1024 ** 2)} MiB`;
}

export function cores(amount: number): string {
  return amount < 1 ? `${Math.round(amount * 1000)} m` : round(amount);
}

export function round(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

export function took(ms: number): string {
  if (ms < 1) return '<1 ms';
  return ms < 1000 ? `${Math.round(ms)} ms` : ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 60_000)} min`;
}

/** After a beginning: `+12 ms`; at it, `0`. */
export function since(ms: number): string {
  return ms < 1 ? '0' : `+${took(ms)}`;
}
