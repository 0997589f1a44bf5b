import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { RequestContext } from '../request.ts';
import type { Rounds } from './rounds.ts';

export type AdmissionOperation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

/** What admission decides on. Upstream: apiserver pkg/admission.Attributes. */
export interface AdmissionAttributes {
  readonly operation: AdmissionOperation;
  readonly resource: ResourceType<KubeObject>;
  /** In the version that the request named, where the request is shown in another that a webhook or policy wants. */
  readonly requested?: ResourceType<KubeObject>;
  readonly subresource: string;
  readonly namespace: string;
  readonly name: string;
  /** The object after the write; absent on DELETE. Of a subresource's own kind on e.g. `binding`, `eviction`. */
  readonly object?: KubeObject;
  readonly oldObject?: KubeObject;
  /** CreateOptions, UpdateOptions, DeleteOptions as sent. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly dryRun: boolean;
  readonly context: RequestContext;
  /** Where this is about changing the object: which time the plugins are asked. */
  readonly rounds?: Rounds;
}

/**
 * One admission plugin, one file, one line in admission/plugins.ts. `admit` answers the object to go on with (or nothing to keep it);
 * `validate` throws a StatusError (403 Forbidden mostly) to refuse. Mutation of all plugins comes before validation of any.
 */
export interface AdmissionPlugin {
  readonly name: string;
  handles(operation: AdmissionOperation): boolean;
  admit?(attributes: AdmissionAttributes): Promise<KubeObject | void> | KubeObject | void;
  validate?(attributes: AdmissionAttributes): Promise<void> | void;
}
