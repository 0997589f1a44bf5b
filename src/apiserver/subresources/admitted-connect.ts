import { apiVersionOf, type KubeObject, type ResourceType } from '../../api/object.ts';
import type { ConnectCall, SubresourceServices } from './subresource-handler.ts';

/** Takes a connection through admission: the object is the options of the connection, as webhooks for CONNECT see them. */
export async function admitConnect({ admission }: Pick<SubresourceServices, 'admission'>, resource: ResourceType<unknown>, subresource: string, kind: string, call: ConnectCall): Promise<void> {
  const options: Record<string, unknown> = { kind, apiVersion: apiVersionOf(resource) };
  for (const key of call.query.keys()) {
    const values = call.query.getAll(key);
    const [first] = values;
    options[key] = key === 'command' ? values : key === 'ports' ? values.flatMap((v) => v.split(',').map(Number)) : BOOLEANS.has(key) ? first === 'true' || first === '1' : first;
  }
  const attributes = {
    operation: 'CONNECT' as const, resource: resource as ResourceType<KubeObject>, subresource, namespace: call.info.namespace, name: call.info.name,
    object: options as unknown as KubeObject, options: {}, dryRun: false, context: call.context,
  };
  await admission.mutate(attributes);
  await admission.validate(attributes);
}

const BOOLEANS = new Set(['stdin', 'stdout', 'stderr', 'tty']);
