import { expect, test } from 'vitest';
import { answerHealth, type HealthCheck } from './health.ts';

const checks: readonly HealthCheck[] = [
  { name: 'ping', check: () => {} },
  { name: 'etcd', check: () => { throw new Error('no disk'); } },
  { name: 'shutdown', endpoints: ['readyz'], check: () => {} },
];
const well = checks.filter(({ name }) => name !== 'etcd');

test.each([
  ['/livez', '', well, 200, 'ok'],
  ['/livez', 'verbose', well, 200, '[+]ping ok\nlivez check passed\n'],
  ['/readyz', 'verbose', well, 200, '[+]ping ok\n[+]shutdown ok\nreadyz check passed\n'],
  ['/readyz', '', checks, 500, '[+]ping ok\n[-]etcd failed: reason withheld\n[+]shutdown ok\nreadyz check failed\n'],
  ['/readyz', 'exclude=etcd&verbose', checks, 200, '[+]ping ok\n[+]etcd excluded: ok\n[+]shutdown ok\nreadyz check passed\n'],
  ['/livez', 'exclude=x&exclude=ping&verbose', well, 200, '[+]ping excluded: ok\nwarn: some health checks cannot be excluded: no matches for "x"\nlivez check passed\n'],
  ['/livez/ping', '', checks, 200, 'ok'],
  ['/livez/etcd', '', checks, 500, 'internal server error: no disk\n'],
  ['/livez/shutdown', '', checks, 404, '404 page not found\n'],
] as const)('%s?%s', (path, query, given, code, text) => {
  expect(answerHealth(path, new URLSearchParams(query), given)).toEqual({ code, text });
});
