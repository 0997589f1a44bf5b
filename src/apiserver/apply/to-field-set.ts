import type { ListType, Type } from '../../api/schema/schema.ts';
import { RecentMap } from '../../base/recent-map.ts';
import { emptySet, isEmptySet, nodeOf, shared, union, type FieldSet } from './field-set.ts';
import { fieldElement, form, isBlank, isDeclared, isObject, itemElement, typeOfField } from './typed-value.ts';

/** All fields that a value sets. */
export function toFieldSet(type: Type, value: unknown): FieldSet {
  return fieldSetOf(type, value, false) ?? emptySet;
}

/** The same under one path element, with the element itself where `member`; undefined for nothing. */
function fieldSetOf(type: Type | undefined, value: unknown, member: boolean): FieldSet | undefined {
  const children: Record<string, FieldSet> = {};
  switch (form(type, value)) {
    case 'whole': return emptySet;
    case 'items':
      for (const item of Array.isArray(value) ? (value as readonly unknown[]) : []) {
        const element = itemElement(type as ListType, item);
        const set = fieldSetOf((type as ListType).item, item, true)!;
        const twin = children[element];
        children[element] = twin ? union({ twins: twin }, { twins: set })['twins']! : set;
      }
      break;
    case 'fields':
      if (!isObject(value)) break;
      for (const key in value) {
        const inner = value[key];
        if (inner === undefined) continue;
        const set = fieldSetOf(typeOfField(type!, key), inner, inner === null || (isObject(inner) && isBlank(inner)) || !isDeclared(type!, key));
        if (set) children[fieldElement(type!, key)] = set;
      }
  }
  return nodeOf(member, children);
}

/** Whether the value has fields in something that is in the set with no fields in it. */
export function isDeeperThan(type: Type | undefined, value: unknown, set: FieldSet): boolean {
  const how = form(type, value);
  if (how === 'whole') return false;
  const deeper = (of: Type | undefined, inner: unknown, node: FieldSet): boolean => (isEmptySet(node) ? !isEmptySet(fieldSetOf(of, inner, true)!) : isDeeperThan(of, inner, node));
  if (how === 'items') {
    if (!Array.isArray(value)) return false;
    return value.some((item: unknown) => {
      const element = itemElement(type as ListType, item);
      return Object.hasOwn(set, element) && deeper((type as ListType).item, item, set[element]!);
    });
  }
  if (!isObject(value)) return false;
  for (const key in value) {
    const element = fieldElement(type!, key);
    if (value[key] !== undefined && Object.hasOwn(set, element) && deeper(typeOfField(type!, key), value[key], set[element]!)) return true;
  }
  return false;
}

/** The sets of what came lately: what is made of one template sets the same fields again and again. */
const recent = new RecentMap<FieldSet>(256);
/** Longer outlines are not kept. */
const LONGEST_OUTLINE = 2048;

/** `wholeSet` of what is new. */
export function newSet(type: Type | undefined, value: unknown): FieldSet {
  const text = outline(type, value);
  if (text === '') return emptySet;
  return text.length > LONGEST_OUTLINE ? wholeSet(type, value) : recent.get(text, () => shared(wholeSet(type, value)));
}

/** All that a value's set depends on: `{4:name5:ports[39:k:{"containerPort":80,"protocol":"TCP"}{13:containerPort}]}`. */
function outline(type: Type | undefined, value: unknown): string {
  if (isBlank(value)) return '';
  switch (form(type, value)) {
    case 'fields': {
      if (!isObject(value)) return '';
      let text = '{';
      for (const key in value) if (value[key] !== undefined) text += `${key.length}:${key}${outline(typeOfField(type!, key), value[key])}`;
      return `${text}}`;
    }
    case 'items': {
      if (!Array.isArray(value)) return '';
      let text = '[';
      for (const item of value as readonly unknown[]) {
        const element = itemElement(type as ListType, item);
        text += `${element.length}:${element}${outline((type as ListType).item, item)}`;
      }
      return `${text}]`;
    }
    default: return '';
  }
}

/** A value that is on one side only: the set of itself and of all that is in it. */
export function wholeSet(type: Type | undefined, value: unknown): FieldSet {
  if (isBlank(value)) return emptySet;
  switch (form(type, value)) {
    case 'fields': {
      if (!isObject(value)) return emptySet;
      const children: Record<string, FieldSet> = {};
      for (const key in value) if (value[key] !== undefined) children[fieldElement(type!, key)] = wholeSet(typeOfField(type!, key), value[key]);
      return nodeOf(true, children)!;
    }
    case 'items': {
      if (!Array.isArray(value)) return emptySet;
      const children: Record<string, FieldSet> = {};
      for (const item of value as readonly unknown[]) {
        const element = itemElement(type as ListType, item);
        children[element] = children[element] ? emptySet : wholeSet((type as ListType).item, item);
      }
      return nodeOf(true, children)!;
    }
    default: return emptySet;
  }
}
