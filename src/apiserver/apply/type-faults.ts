import type { ListType, StructType, Type } from '../../api/schema/schema.ts';
import { isObject, itemElement, typeOfField } from './typed-value.ts';

/** What does not fit the schema, as structured-merge-diff words it: `.spec.foo: field not declared in schema`. */
export function typeFaults(type: StructType, value: unknown): string[] {
  const faults: string[] = [];
  /** Names of fields, and of items their elements or indices. */
  const path: (string | { readonly element: string } | number)[] = [];
  const tell = (what: string): void => {
    faults.push(`${path.map((step) => (typeof step === 'string' ? `.${step}` : typeof step === 'number' ? `[${step}]` : keyText(step.element))).join('')}: ${what}`);
  };
  const walk = (type: Type | undefined, value: unknown, step: (typeof path)[number]): void => {
    if (value === null || value === undefined || !type) return;
    path.push(step);
    look(type, value);
    path.pop();
  };
  const look = (type: Type, value: unknown): void => {
    switch (type.kind) {
      case 'struct':
        if (type.oneOf) return;
        if (!isObject(value)) return tell(`expected map, got ${described(value)}`);
        for (const key in value) {
          const field = typeOfField(type, key);
          if (field) {
            walk(field, value[key], key);
            continue;
          }
          path.push(key);
          tell('field not declared in schema');
          path.pop();
        }
        return;
      case 'map':
        if (!isObject(value)) return tell(`expected map, got ${described(value)}`);
        for (const key in value) walk(type.value, value[key], key);
        return;
      case 'list': {
        if (!Array.isArray(value)) return tell(`expected list, got ${described(value)}`);
        const seen = new Set<string>();
        value.forEach((item: unknown, i) => {
          const missing = type.merge === 'map' ? missingKey(type, item) : undefined;
          if (missing !== undefined) return tell(`element ${i}: associative list with keys has an element that omits key field ${JSON.stringify(missing)} (and doesn't have default value)`);
          if (type.merge === 'atomic') return walk(type.item, item, i);
          const element = itemElement(type, item);
          if (seen.has(element)) tell(`duplicate entries for key ${keyText(element)}`);
          seen.add(element);
          walk(type.item, item, { element });
        });
        return;
      }
      case 'any': case 'quantity': case 'intOrString': return;
      case 'bool': return typeof value === 'boolean' ? undefined : tell(`expected boolean, got ${described(value)}`);
      case 'int32': case 'int64': case 'double': return typeof value === 'number' ? undefined : tell(`expected numeric (int or float), got ${described(value)}`);
      default: if (typeof value !== 'string') tell(`expected string, got ${described(value)}`);
    }
  };
  if (value !== null && value !== undefined) look(type, value);
  return faults;
}

function missingKey(type: ListType, item: unknown): string | undefined {
  // Upstream too takes an item that has some of its keys.
  const given = (name: string): boolean => (isObject(item) && item[name] !== undefined && item[name] !== null) || (type.item.kind === 'struct' && type.item.fields.get(name)?.default !== undefined);
  return type.keys.some(given) ? undefined : type.keys[0];
}

const keyText = (element: string): string =>
  element.startsWith('v:') ? `[=${element.slice(2)}]` : `[${Object.entries(JSON.parse(element.slice(2)) as object).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;

const described = (value: unknown): string => (Array.isArray(value) ? '&{list}' : isObject(value) ? '&{map}' : `&value.valueUnstructured{Value:${typeof value === 'string' ? JSON.stringify(value) : String(value)}}`);
