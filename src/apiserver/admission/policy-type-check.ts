import { CelError } from '../../api/cel/cel-error.ts';
import { DYN, type CelType } from '../../api/cel/cel-type.ts';
import { isReason } from '../../api/errors.ts';
import type { ExpressionWarning, ValidatingAdmissionPolicy } from '../../api/generated/admissionregistration-v1.ts';
import { validatingAdmissionPolicies } from '../../api/generated/resources.ts';
import type { Log } from '../../base/log.ts';
import type { StoredObjects } from '../authz/stored-objects.ts';
import type { ApiRegistry } from '../registry/api-registry.ts';
import { deepEqual } from '../registry/deep-equal.ts';
import type { RequestContext } from '../request.ts';
import { admissionExpressions, type AdmissionExpressions } from './match-conditions.ts';
import { celTypeOf } from './policy-types.ts';

/** Of the kinds that a rule names, no more are looked at. */
const MOST_KINDS = 10;

interface NamedType {
  /** `apps/v1, Kind=Deployment`. */
  readonly name: string;
  readonly type: CelType;
}

export interface PolicyTypeCheckOptions {
  readonly registry: ApiRegistry;
  readonly objects: StoredObjects;
  /** The server's own context, in which statuses are written. */
  readonly context: RequestContext;
  readonly log: Log;
}

/**
 * Tells in the status of a validating policy what its expressions name that the kinds it is about have not. It warns only: an expression may know
 * better. Upstream: pkg/controller/validatingadmissionpolicystatus, apiserver pkg/admission/plugin/policy/validating/typechecking.go.
 */
export class PolicyTypeCheck implements Disposable {
  readonly #options: PolicyTypeCheckOptions;
  readonly #following: Disposable;

  constructor(options: PolicyTypeCheckOptions) {
    this.#options = options;
    this.#following = options.objects.follow(validatingAdmissionPolicies, {
      put: (policy) => {
        if (policy.status?.observedGeneration !== policy.metadata.generation) void this.#check(policy);
      },
      delete: () => {},
    });
  }

  async #check({ metadata: { name } }: ValidatingAdmissionPolicy): Promise<void> {
    const { registry, context, log } = this.#options;
    try {
      const compile = await admissionExpressions();
      await registry.storeOf(validatingAdmissionPolicies)!.update(context, { name }, (current) => {
        const expressionWarnings = typeWarnings(compile, current!, typesOf(registry, current!));
        const status = { ...current!.status, observedGeneration: current!.metadata.generation ?? 0, typeChecking: expressionWarnings.length > 0 ? { expressionWarnings } : {} };
        return deepEqual(status, current!.status) ? current! : { ...current!, status };
      }, { subresource: 'status' });
    } catch (error) {
      if (!context.signal.aborted && !isReason(error, 'NotFound')) log.error('policy not checked', { name, error });
    }
  }

  [Symbol.dispose](): void {
    this.#following[Symbol.dispose]();
  }
}

/** The kinds that a policy names one by one, in the order of their names. */
function typesOf(registry: ApiRegistry, { spec }: ValidatingAdmissionPolicy): readonly NamedType[] {
  const found = new Map<string, NamedType>();
  for (const { apiGroups = [], apiVersions = [], resources = [] } of spec.matchConstraints?.resourceRules ?? []) {
    if ([...apiGroups, ...apiVersions, ...resources].some((name) => name.includes('*') || name.includes('/'))) continue;
    for (const { served: { resource, schema } } of registry.all()) {
      if (found.size === MOST_KINDS) break;
      if (!apiGroups.includes(resource.group) || !apiVersions.includes(resource.version) || !resources.includes(resource.resource)) continue;
      const name = `${resource.group}/${resource.version}, Kind=${resource.kind}`;
      found.set(name, { name, type: celTypeOf(schema.type) });
    }
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function typeWarnings(compile: AdmissionExpressions, { spec }: ValidatingAdmissionPolicy, types: readonly NamedType[]): readonly ExpressionWarning[] {
  return (spec.validations ?? []).flatMap(({ expression, messageExpression }, i) => [['expression', expression] as const, ['messageExpression', messageExpression] as const].flatMap(([field, source]) => {
    if (!source) return [];
    const warning = types.flatMap(({ name, type }) => faultOf(compile, source, type)?.replace(/^/, `${name}: `).concat('\n') ?? []).join('\n');
    return warning ? [{ fieldRef: `spec.validations[${i}].${field}`, warning }] : [];
  }));
}

function faultOf(compile: AdmissionExpressions, source: string, type: CelType): string | undefined {
  try {
    compile(source).estimate({ object: type, oldObject: type, request: DYN, params: DYN, namespaceObject: DYN, authorizer: DYN, variables: DYN }, type);
    return undefined;
  } catch (error) {
    if (error instanceof CelError) return error.message;
    throw error;
  }
}
