import { expect, test } from 'vitest';
import { parseObject } from './parse-object.ts';

test('what Go writes as null is absent, as the types say, and a list without items is empty', () => {
  expect(parseObject('{"kind":"EndpointSliceList","items":[{"metadata":{"name":"a","creationTimestamp":null},"endpoints":null,"ports":[{"name":"null","port":null}]}]}'))
    .toEqual({ kind: 'EndpointSliceList', items: [{ metadata: { name: 'a' }, ports: [{ name: 'null' }] }] });
  expect(parseObject('{"kind":"PodMetricsList","items":null}')).toEqual({ kind: 'PodMetricsList', items: [] });
  expect(parseObject('{"items":[1,null,{"a":[null]}]}')).toEqual({ items: [1, null, { a: [null] }] });
});
