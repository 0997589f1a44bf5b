import { describe, expect, it } from 'vitest';
import { forwardedPorts } from './forwarded-ports.ts';

const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }] } } as never;
const service = { metadata: { name: 's' }, spec: { clusterIP: '10.0.0.1', ports: [{ name: 'web', port: 80, targetPort: 'http' }, { port: 81, targetPort: 9090 }] } } as never;

describe('forwardedPorts', () => {
  it.each([
    ['80', undefined, { local: 80, remote: 80 }], ['5000:80', undefined, { local: 5000, remote: 80 }], [':80', undefined, { local: 0, remote: 80 }],
    ['5000:http', undefined, { local: 5000, remote: 8080 }], ['http', undefined, { local: 8080, remote: 8080 }], ['80', service, { local: 80, remote: 8080 }],
    ['5000:web', service, { local: 5000, remote: 8080 }], ['81', service, { local: 81, remote: 9090 }],
  ])('%s', (spec, of, expected) => expect(forwardedPorts([spec], pod, of)).toEqual([expected]));
  it.each([
    ['a:b:c', "invalid port format 'a:b:c'"], ['1:nosuch', "Pod 'p' does not have a named port 'nosuch'"], ['80:', 'remote port cannot be empty'], ['1:0', 'remote port must be > 0'], ['x:80', "error parsing local port 'x'"],
  ])('%s is refused', (spec, message) => expect(() => forwardedPorts([spec], pod)).toThrow(message));
});
