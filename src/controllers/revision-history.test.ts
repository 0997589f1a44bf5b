import { expect, test } from 'vitest';
import type { PodTemplateSpec } from '../api/generated/core-v1.ts';
import { dataOf, templateOf } from './revision-history.ts';
import { semanticEqual } from './semantic-equal.ts';

test('a revision keeps a template in the bytes that a Go client computes of it', () => {
  const template: PodTemplateSpec = {
    spec: { terminationGracePeriodSeconds: 30, restartPolicy: 'Always', securityContext: {}, containers: [{ name: 'app', image: 'app:1', ports: [{ protocol: 'TCP', containerPort: 80 }] }] },
    metadata: { labels: { b: '2', a: '1' } },
  };
  expect(JSON.stringify(dataOf(template))).toBe(
    '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"1","b":"2"}},"spec":{"containers":[{"image":"app:1","name":"app",'
    + '"ports":[{"containerPort":80,"protocol":"TCP"}],"resources":{}}],"restartPolicy":"Always","securityContext":{},"terminationGracePeriodSeconds":30}}}}',
  );
  const revision = { data: dataOf(template) } as Parameters<typeof templateOf>[0];
  expect(semanticEqual(templateOf(revision), template)).toBe(true);
});
