import type { Pod } from '../../api/generated/core-v1.ts';
import type { KubeletOptions } from '../options.ts';
import type { PodObservation } from '../pod/observation.ts';

export interface KubeletServerOptions extends KubeletOptions {
  pod(namespace: string, name: string): Pod | undefined;
  pods(): readonly Pod[];
  observation(uid: string): PodObservation;
}

export interface KubeletServer extends AsyncDisposable {
  readonly port: number;
}

export async function startKubeletServer(_options: KubeletServerOptions): Promise<KubeletServer> {
  throw new Error('not yet');
}
