import { expect, test } from 'vitest';
import { parseResourcePath } from './parse-resource-path.ts';

test.each([
  ['/api/v1/namespaces/default/pods/web', { group: '', namespace: 'default', resource: 'pods', name: 'web' }],
  ['/api/v1/nodes/boat', { group: '', resource: 'nodes', name: 'boat' }],
  ['/api/v1/namespaces/default', { group: '', resource: 'namespaces', name: 'default' }],
  ['/apis/apps/v1/namespaces/default/deployments/web', { group: 'apps', namespace: 'default', resource: 'deployments', name: 'web' }],
  ['/apis/storage.k8s.io/v1/storageclasses/fast', { group: 'storage.k8s.io', resource: 'storageclasses', name: 'fast' }],
])('%s', (path, parts) => {
  expect(parseResourcePath(path)).toEqual(parts);
});

test.each(['/version', '/api/v1/pods', '/api/v1/namespaces/default/pods', '/api/v1/namespaces/default/pods/web/log', '/healthz/x/y'])(
  '%s names no object',
  (path) => {
    expect(() => parseResourcePath(path)).toThrow('names no object');
  },
);
