const SHORT: Readonly<Record<string, string>> = { ReadWriteOnce: 'RWO', ReadOnlyMany: 'ROX', ReadWriteMany: 'RWX', ReadWriteOncePod: 'RWOP' };

/** `RWO,ROX`, in a fixed order. */
export function accessModes(modes: readonly string[] = []): string {
  return Object.keys(SHORT).filter((mode) => modes.includes(mode)).map((mode) => SHORT[mode]).join(',');
}
