type Step = { readonly member: string } | { readonly index: number } | { readonly every: true } | { readonly where: readonly string[]; readonly equals: string };

const TOKEN = /\.((?:\\.|[^.[\]\\])+)|\[(-?\d+)\]|\[\*\]|\[['"](.*?)['"]\]|\[\?\(@((?:\.[^.\s=]+)+)\s*==\s*['"](.*?)['"]\)\]|\.\*/y;

/**
 * The simple JSON paths that CRDs name fields with: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`, `.spec.ports[0].port`,
 * `.metadata.annotations.a\.b`. Answers all values it leads to. What is not such a path leads nowhere.
 */
export function jsonPath(text: string): (object: unknown) => readonly unknown[] {
  const steps = parse(text);
  return (object) => steps?.reduce<readonly unknown[]>((values, step) => values.flatMap((value) => follow(value, step)), [object]) ?? [];
}

function parse(text: string): readonly Step[] | undefined {
  const source = text.replace(/^\{(.*)\}$/, '$1');
  const steps: Step[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < source.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (!match) return undefined;
    const [whole, member, index, quoted, where, equals] = match;
    if (member !== undefined) steps.push({ member: member.replace(/\\(.)/g, '$1') });
    else if (index !== undefined) steps.push({ index: Number(index) });
    else if (quoted !== undefined) steps.push({ member: quoted });
    else if (where !== undefined) steps.push({ where: where.slice(1).split('.'), equals: equals! });
    else steps.push({ every: true });
    at += whole.length;
  }
  return steps;
}

function follow(value: unknown, step: Step): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if ('member' in step) {
    const found = Object.hasOwn(value, step.member) ? (value as Readonly<Record<string, unknown>>)[step.member] : undefined;
    return found === undefined ? [] : [found];
  }
  const list = Array.isArray(value) ? value : Object.values(value);
  if ('every' in step) return list;
  if ('index' in step) {
    const found: unknown = list.at(step.index);
    return found === undefined ? [] : [found];
  }
  return list.filter((item: unknown) => step.where.reduce<unknown>((inner, key) => (inner as Readonly<Record<string, unknown>> | undefined)?.[key], item) === step.equals);
}
