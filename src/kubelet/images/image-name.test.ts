import { expect, test } from 'vitest';
import { normalizeImageName } from './image-name.ts';
import { matchesImage } from './pull-secrets.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['nginx', 'docker.io/library/nginx:latest'], ['nginx:1.27', 'docker.io/library/nginx:1.27'], ['msung99/maestro:0.1.0', 'docker.io/msung99/maestro:0.1.0'],
  ['localhost:5000/a/b', 'localhost:5000/a/b:latest'], ['ghcr.io/a/b/c:x', 'ghcr.io/a/b/c:x'], [`nginx@${digest}`, `docker.io/library/nginx@${digest}`],
  [`reg.example:1/n:1@${digest}`, `reg.example:1/n:1@${digest}`], ['index.docker.io/library/x', 'docker.io/library/x:latest'],
])('%s → %s', (name, expected) => {
  expect(normalizeImageName(name)).toBe(expected);
});

test.each(['Nginx', 'a b', 'nginx:', 'nginx@sha256:12', '', 'a//b', '-x'])('%j is no image name', (name) => {
  expect(() => normalizeImageName(name)).toThrow(`couldn't parse image name "${name}": invalid reference format`);
});

test.each([
  ['https://index.docker.io/v1/', 'docker.io/library/nginx:1', true], ['docker.io', 'docker.io/a/b:1', true], ['ghcr.io/team', 'ghcr.io/team/app:1', true],
  ['ghcr.io/other', 'ghcr.io/team/app:1', false], ['*.example.com', 'reg.example.com/x:1', true], ['*.example.com', 'a.b.example.com/x:1', false], ['quay.io', 'quay.io.evil.com/x:1', false],
])('credentials for %s and image %s: %s', (key, image, expected) => {
  expect(matchesImage(key, image)).toBe(expected);
});
