import { CelError } from '../../api/cel/cel-error.ts';
import { fromCel } from '../../api/cel/cel-value.ts';
import type { Namespace } from '../../api/generated/core-v1.ts';
import type { MatchResources, Variable } from '../../api/generated/admissionregistration-v1.ts';
import { namespaces } from '../../api/generated/resources.ts';
import type { KubeObject, ResourceType } from '../../api/object.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { AdmissionAttributes } from './admission.ts';
import type { AdmissionServices } from './admission-services.ts';
import type { AdmissionExpressions } from './match-conditions.ts';
import { matchedResource } from './webhook-rules.ts';

const EVERYTHING = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*', '*'] }];

/**
 * The resource, in the version to look at, where a request is of those that a policy's constraints or a binding's resources name; undefined where
 * not. Without rules they name all.
 */
export function resourceNamedBy(services: Pick<AdmissionServices, 'objects' | 'registry'>, match: MatchResources | undefined, attributes: AdmissionAttributes): ResourceType<KubeObject> | undefined {
  if (!match) return attributes.resource;
  const { resourceRules, excludeResourceRules, ...selection } = match;
  return matchedResource(services, { ...selection, rules: resourceRules?.length ? resourceRules : EVERYTHING, ...(excludeResourceRules && { excluded: excludeResourceRules }) }, attributes);
}

/** What expressions may know of the namespace that a request is in. */
export function namespaceObject(objects: StoredObjects, { namespace, resource }: AdmissionAttributes): Namespace | null {
  if (!namespace || (resource.group === '' && resource.resource === 'namespaces')) return null;
  return objects.get(namespaces, { name: namespace }) ?? null;
}

/**
 * Evaluates the expressions of one policy for one request and one parameter: `variables.x` is worked out once, in order; the fault of one that
 * failed comes up where it is used.
 */
export class PolicyEvaluation {
  readonly #compile: AdmissionExpressions;
  readonly #base: Readonly<Record<string, unknown>>;
  readonly #faults = new Map<string, CelError>();

  constructor(compile: AdmissionExpressions, base: Readonly<Record<string, unknown>>, params: KubeObject | null, namespace: KubeObject | null, variables: readonly Variable[]) {
    this.#compile = compile;
    const values: Record<string, unknown> = {};
    const own = { ...base, params, namespaceObject: namespace };
    for (const { name, expression } of variables) {
      try {
        values[name] = compile(expression).evaluate({ ...own, variables: { ...values } });
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
        this.#faults.set(name, error);
      }
    }
    this.#base = { ...own, variables: values };
  }

  /** For match conditions, which ask for themselves who may do what. */
  get given(): Readonly<Record<string, unknown>> {
    return Object.fromEntries(Object.entries(this.#base).filter(([name]) => !name.startsWith('authorizer')));
  }

  /** For the sake of what expressions ask for. */
  tryAll(expressions: readonly string[]): void {
    for (const expression of expressions) {
      try {
        if (expression) this.#compile(expression).evaluate(this.#base);
      } catch (error) {
        if (!(error instanceof CelError)) throw error;
      }
    }
  }

  /** The result as JSON. Throws CelError. */
  json(expression: string): unknown {
    return fromCel(this.evaluate(expression));
  }

  /** A CEL value. Throws CelError. */
  evaluate(expression: string): unknown {
    try {
      return this.#compile(expression).evaluate(this.#base);
    } catch (error) {
      if (!(error instanceof CelError)) throw error;
      const used = [...this.#faults].find(([name]) => expression.includes(`variables.${name}`));
      throw new CelError(`expression '${expression}' resulted in error: ${used ? `composited variable ${JSON.stringify(used[0])} fails to evaluate: ${used[1].message}` : error.message}`, { cause: error });
    }
  }
}
