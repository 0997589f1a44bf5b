import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { PostCall, SubresourceServices } from './subresource-handler.ts';

/** Takes a posted object through admission as the creation that it is to admission plugins and webhooks; answers it as they leave it. */
export async function admitPost<T extends KubeObject>(
  { admission }: Pick<SubresourceServices, 'admission'>, resource: ResourceType<unknown>, subresource: string, call: PostCall, object: T,
): Promise<T> {
  const attributes = {
    operation: 'CREATE' as const, resource: resource as ResourceType<KubeObject>, subresource, namespace: call.key.namespace ?? '', name: call.key.name,
    object, options: call.dryRun ? { dryRun: ['All'] } : {}, dryRun: call.dryRun, context: call.context,
  };
  const admitted = ((await admission.mutate(attributes)) ?? object) as T;
  await admission.validate({ ...attributes, object: admitted });
  return admitted;
}
