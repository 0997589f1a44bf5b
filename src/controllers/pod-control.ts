import type { Pod, PodTemplateSpec } from '../api/generated/core-v1.ts';
import { pods } from '../api/generated/resources.ts';
import { isReason } from '../api/errors.ts';
import type { KubeObject, New } from '../api/object.ts';
import type { ControllerContext } from './controller.ts';
import { controllerReference } from './ownership.ts';

const NAME_LIMIT = 253;

/** The pod that a template stands for. Its name is the server's to make, unless `overrides` has one. Upstream: GetPodFromTemplate. */
export function podFromTemplate(owner: KubeObject, template: PodTemplateSpec | undefined, overrides: { readonly name?: string } = {}): New<Pod> {
  const { name, namespace } = owner.metadata;
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const prefix = name.length < NAME_LIMIT ? `${name}-` : name;
  return {
    metadata: {
      ...(overrides.name ? { name: overrides.name } : { generateName: prefix }),
      namespace, ownerReferences: [controllerReference(owner)],
      ...(labels && { labels }), ...(annotations && { annotations }), ...(finalizers && { finalizers }),
    },
    spec: template!.spec!,
  };
}

/** The namespace is being deleted: nothing can be made in it, and there is no sense in trying again. */
export function isNamespaceTerminating(error: unknown): boolean {
  return isReason(error, 'Forbidden') && (error.status.details?.causes?.some((cause) => cause.reason === 'NamespaceTerminating') ?? false);
}

/** Makes and deletes pods on behalf of an owner, and tells so by events on the owner. Faults are passed on after their event. */
export class PodControl {
  readonly #context: Pick<ControllerContext, 'client' | 'recorder'>;

  constructor(context: Pick<ControllerContext, 'client' | 'recorder'>) {
    this.#context = context;
  }

  async create(owner: KubeObject, pod: New<Pod>): Promise<Pod> {
    const { client, recorder } = this.#context;
    try {
      const created = await client.create(pods, pod);
      recorder.event(owner, 'Normal', 'SuccessfulCreate', `Created pod: ${created.metadata.name}`);
      return created;
    } catch (error) {
      if (!isNamespaceTerminating(error)) recorder.event(owner, 'Warning', 'FailedCreate', `Error creating: ${(error as Error).message}`);
      throw error;
    }
  }

  /** A pod that is gone already is no fault. */
  async delete(owner: KubeObject, pod: Pod): Promise<void> {
    const { client, recorder } = this.#context;
    const { namespace, name, uid } = pod.metadata;
    try {
      await client.delete(pods, { namespace, name }, { preconditions: { uid } });
      recorder.event(owner, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
    } catch (error) {
      if (isReason(error, 'NotFound', 'Conflict')) return;
      recorder.event(owner, 'Warning', 'FailedDelete', `Error deleting: ${(error as Error).message}`);
      throw error;
    }
  }
}
