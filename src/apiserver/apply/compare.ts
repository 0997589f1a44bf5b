import type { ListType, Type } from '../../api/schema/schema.ts';
import { emptySet, nodeOf, type FieldSet } from './field-set.ts';
import { newSet, wholeSet } from './to-field-set.ts';
import { byElement, deepEqual, fieldElement, form, isBlank, isObject, typeOfField, type Json } from './typed-value.ts';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** What a write changed, as each other version that managers wrote in sees it. Managers of a version that is not in it are forgotten. */
export type Comparisons = ReadonlyMap<string, Comparison>;

/** What changes from `before` to `after`. Parts that both share cost nothing. */
export function compare(type: Type, before: unknown, after: unknown): Comparison {
  const { added, modified, removed } = differences(type, before, after) ?? nothing;
  return { added: added ?? emptySet, modified: modified ?? emptySet, removed: removed ?? emptySet };
}

/** What differs under one path element; a set that is there but empty is the element alone. */
interface Differences {
  readonly added?: FieldSet | undefined;
  readonly modified?: FieldSet | undefined;
  readonly removed?: FieldSet | undefined;
}

const nothing: Differences = {};

function differences(type: Type | undefined, before: unknown, after: unknown): Differences | undefined {
  if (before === after) return undefined;
  if (before === undefined) return { added: newSet(type, after) };
  if (after === undefined) return { removed: wholeSet(type, before) };
  let how = form(type, after ?? before);
  // What is empty on both sides is a leaf, which keeps null apart from empty.
  if (how !== 'whole' && isBlank(before) && isBlank(after)) how = 'whole';
  if (how === 'fields' && !((isObject(before) || before === null) && (isObject(after) || after === null))) how = 'whole';
  if (how === 'whole') return deepEqual(before, after) ? undefined : { modified: emptySet };
  return how === 'fields' ? fieldDifferences(type!, (before ?? {}) as Json, (after ?? {}) as Json) : itemDifferences(type as ListType, before, after);
}

/** The differences of what is inside an object or a list, by path element. */
class Gathered {
  #added: Record<string, FieldSet> | undefined;
  #modified: Record<string, FieldSet> | undefined;
  #removed: Record<string, FieldSet> | undefined;

  take(element: string, found: Differences | undefined): void {
    if (!found) return;
    if (found.added) (this.#added ??= {})[element] = found.added;
    if (found.modified) (this.#modified ??= {})[element] = found.modified;
    if (found.removed) (this.#removed ??= {})[element] = found.removed;
  }

  differences(): Differences {
    return { added: this.#added && nodeOf(false, this.#added), modified: this.#modified && nodeOf(false, this.#modified), removed: this.#removed && nodeOf(false, this.#removed) };
  }
}

function fieldDifferences(type: Type, before: Json, after: Json): Differences {
  const gathered = new Gathered();
  for (const key in before) if (before[key] !== after[key]) gathered.take(fieldElement(type, key), differences(typeOfField(type, key), before[key], after[key]));
  for (const key in after) if (!Object.hasOwn(before, key)) gathered.take(fieldElement(type, key), differences(typeOfField(type, key), undefined, after[key]));
  return gathered.differences();
}

function itemDifferences(type: ListType, before: unknown, after: unknown): Differences {
  const gathered = new Gathered();
  const left = byElement(type, Array.isArray(before) ? before : []);
  const right = byElement(type, Array.isArray(after) ? after : []);
  for (const [element, items] of left) {
    const others = right.get(element) ?? [];
    // Items that share one key count as one value.
    if (items.length > 1 || others.length > 1) gathered.take(element, differences(undefined, items, others.length ? others : undefined));
    else gathered.take(element, differences(type.item, items[0], others[0]));
  }
  for (const [element, items] of right) if (!left.has(element)) gathered.take(element, items.length > 1 ? differences(undefined, undefined, items) : differences(type.item, undefined, items[0]));
  return gathered.differences();
}
