import type { KubeObject } from '../../api/object.ts';
import { findAll, relaxedJsonPath } from '../printers/jsonpath.ts';
import { KubectlError } from '../command/kubectl-error.ts';

export type WaitCondition = { readonly kind: 'create' } | { readonly kind: 'delete' } | { readonly kind: 'met'; isMet(object: KubeObject): boolean };

interface WithConditions extends KubeObject {
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly { readonly type: string; readonly status: string; readonly observedGeneration?: number }[] };
}

/** What `kubectl wait --for` says. Throws KubectlError where it says nothing known. Upstream: kubectl pkg/cmd/wait. */
export function waitCondition(text: string): WaitCondition {
  const lower = text.toLowerCase();
  if (lower === 'delete' || lower === 'create') return { kind: lower };
  if (text.startsWith('condition=')) {
    const [type = '', wanted = 'true'] = text.slice('condition='.length).split(/=(.*)/s);
    return { kind: 'met', isMet: (object) => conditionHolds(object as WithConditions, type.toLowerCase(), wanted.toLowerCase()) };
  }
  if (text.startsWith('jsonpath=')) return jsonPathCondition(text.slice('jsonpath='.length));
  throw new KubectlError(`unrecognized condition: "${text}"`);
}

/** A condition that speaks of an older generation says nothing. */
function conditionHolds({ metadata, status }: WithConditions, type: string, wanted: string): boolean {
  const condition = status?.conditions?.find((one) => one.type.toLowerCase() === type);
  if (!condition) return false;
  const observed = condition.observedGeneration ?? status?.observedGeneration;
  if (observed !== undefined && observed < (metadata.generation ?? 0)) return false;
  return condition.status.toLowerCase() === wanted;
}

function jsonPathCondition(text: string): WaitCondition {
  const format = "jsonpath wait format must be --for=jsonpath='{.status.readyReplicas}'=3 or --for=jsonpath='{.status.readyReplicas}'";
  // `==` belongs to a filter and parts nothing.
  const [expression = '', raw, ...more] = text.replaceAll('==', '\0').split('=').map((part) => part.replaceAll('\0', '=='));
  if (more.length > 0) throw new KubectlError(format);
  if (expression === '') throw new KubectlError('jsonpath expression cannot be empty');
  if (raw === '') throw new KubectlError("jsonpath wait has to have a value after equal sign, like --for=jsonpath='{.status.readyReplicas}'=3");
  const wanted = raw?.replace(/^(['"])(.*)\1$/s, '$2');
  if (/^\{[^}]*$|^[^{]*\}$/.test(expression)) throw new KubectlError("unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'");
  const path = relaxedJsonPath(expression);
  return {
    kind: 'met',
    isMet(object) {
      const found = findAll(path, object, { allowMissingKeys: true });
      if (found.length === 0) return false;
      if (wanted === undefined) return true;
      if (found.length > 1) throw new KubectlError('given jsonpath expression matches more than one value');
      if (typeof found[0] === 'object' && found[0] !== null) throw new KubectlError('jsonpath leads to a nested object or list which is not supported');
      return String(found[0]).trim() === wanted.trim();
    },
  };
}
