/** What types and fields are for, in Kubernetes' words; empty where it says nothing. */
export interface Descriptions {
  ofType(type: string): string;
  ofField(type: string, field: string): string;
}

/** Reads the descriptions that the build has made. Nearly a megabyte, so only who publishes them loads them. */
export async function loadDescriptions(): Promise<Descriptions> {
  const { descriptions } = await import('../../api/generated/descriptions.ts');
  const typeMeta = descriptions['io.k8s.apimachinery.pkg.apis.meta.v1.TypeMeta']?.[1];
  return {
    ofType: (type) => descriptions[type]?.[0] ?? '',
    ofField: (type, field) => descriptions[type]?.[1][field] ?? (field === 'apiVersion' || field === 'kind' ? (typeMeta?.[field] ?? '') : ''),
  };
}
