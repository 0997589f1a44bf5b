import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { RuntimeError, type Image, type ImageSpec } from '../cri/runtime.ts';

/** What a pull of an image does. `error` is the runtime's own text. */
export interface PullRule {
  readonly image: RegExp;
  readonly takesMs?: number;
  readonly error?: string;
}

const UNRESOLVABLE: PullRule = { image: /^([^/]*\.)?(invalid|nonexistent|does-not-exist)(:\d+)?\//, error: 'dial tcp: lookup {host}: no such host' };

/** `nginx` → `docker.io/library/nginx:latest`, as containerd's reference parser normalizes. */
export function normalizeImage(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const hasHost = slash >= 0 && (first.includes('.') || first.includes(':') || first === 'localhost');
  const withHost = hasHost ? name : slash < 0 ? `docker.io/library/${name}` : `docker.io/${name}`;
  return withHost.includes('@') || withHost.slice(withHost.lastIndexOf('/')).includes(':') ? withHost : `${withHost}:latest`;
}

const digest = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;

/** Images that "are there" once pulled. A pull takes `pullMs` unless a rule says otherwise. */
export class ImageStore {
  readonly #images = new Map<string, Image>();
  readonly #clock: Clock;
  readonly #pullMs: number;
  readonly #rules: readonly PullRule[];

  constructor(options: { clock: Clock; pullMs: number; rules?: readonly PullRule[]; present?: readonly string[] }) {
    this.#clock = options.clock;
    this.#pullMs = options.pullMs;
    this.#rules = [...(options.rules ?? []), UNRESOLVABLE];
    for (const name of options.present ?? []) this.#add(normalizeImage(name));
  }

  async pull({ image }: ImageSpec, signal?: AbortSignal): Promise<string> {
    const name = normalizeImage(image);
    const rule = this.#rules.find((r) => r.image.test(image) || r.image.test(name));
    const wait = rule?.takesMs ?? this.#pullMs;
    if (wait > 0) await this.#clock.sleep(wait, signal);
    if (rule?.error) {
      const cause = rule.error.replace('{host}', name.split('/')[0]!);
      throw new RuntimeError('Unknown', `failed to pull and unpack image "${name}": failed to resolve reference "${name}": ${cause}`);
    }
    return this.#add(name).id;
  }

  find({ image }: ImageSpec): Image | undefined {
    return this.#images.get(normalizeImage(image)) ?? this.list().find((i) => i.id === image || i.repoDigests.includes(image));
  }

  list(): readonly Image[] {
    return [...this.#images.values()];
  }

  remove(spec: ImageSpec): void {
    const found = this.find(spec);
    if (found) for (const [name, image] of this.#images) if (image.id === found.id) this.#images.delete(name);
  }

  #add(name: string): Image {
    const existing = this.#images.get(name);
    if (existing) return existing;
    const repository = name.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
    const image: Image = {
      id: digest(`config ${name}`), repoTags: name.includes('@') ? [] : [name], repoDigests: [`${repository}@${digest(name)}`],
      size: 5_000_000 + (parseInt(digest(name).slice(7, 13), 16) % 50_000_000), uid: null, username: '', pinned: false,
    };
    this.#images.set(name, image);
    return image;
  }
}
