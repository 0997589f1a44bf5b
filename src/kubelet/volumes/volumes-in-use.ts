/** Which attachable volumes pods of this node use or wait for: whoever attached them must not detach them. Told in the node's status. */
export class VolumesInUse {
  /** Unique names, by the folder of a pod's volume. */
  readonly #names = new Map<string, string>();
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** `kubernetes.io/csi/DRIVER^HANDLE`, each once. Upstream: util.GetUniqueVolumeName. */
  get names(): readonly string[] {
    return [...new Set(this.#names.values())].sort();
  }

  add(directory: string, driver: string, handle: string): void {
    if (this.#names.has(directory)) return;
    this.#names.set(directory, `kubernetes.io/csi/${driver}^${handle}`);
    this.#changed();
  }

  /** Of one volume, or of all of a pod's folder. */
  delete(directory: string): void {
    const gone = [...this.#names.keys()].filter((key) => key === directory || key.startsWith(`${directory}/`));
    for (const key of gone) this.#names.delete(key);
    if (gone.length > 0) this.#changed();
  }
}
