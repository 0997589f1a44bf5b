import type { ConfigMap, Secret } from '../api/generated/core-v1.ts';

/** Reads objects that pods refer to; undefined where there is none. */
export interface ReferencedObjects {
  configMap(namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(namespace: string, name: string): Promise<Secret | undefined>;
}
