import type { KubeObject } from '../../api/object.ts';

/** Brings objects of a definition into another of its versions. Upstream: apiextensions-apiserver pkg/apiserver/conversion. */
export interface VersionConverter {
  /** One for one and in order; none of them is of `apiVersion` yet. Faults are StatusErrors. */
  convert(objects: readonly KubeObject[], apiVersion: string): readonly KubeObject[] | Promise<readonly KubeObject[]>;
}

/** `strategy: None`: versions differ by name alone. */
export const noConversion: VersionConverter = {
  convert: (objects, apiVersion) => objects.map((object) => ({ ...object, apiVersion })),
};
