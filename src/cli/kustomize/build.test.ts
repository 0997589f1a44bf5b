import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { toYaml } from '../printers/yaml.ts';
import { buildKustomization } from './build.ts';

const SAMPLES = join(import.meta.dirname, 'samples');
/** A kubectl with the kustomize that the expectations come from. */
const KUBECTL = ['/usr/bin/kubectl', '/usr/local/bin/kubectl'].find((path) => existsSync(path) && spawnSync(path, ['version', '--client'], { encoding: 'utf8' }).stdout.includes('Kustomize Version: v5.5.'));
const samples = readdirSync(SAMPLES);

function built(folder: string): { readonly text: string; readonly warnings: string } {
  let warnings = '';
  const objects = buildKustomization(folder, { err: (text) => void (warnings += text) });
  return { text: objects.map(toYaml).join('---\n'), warnings };
}

describe.each(samples)('%s', (name) => {
  const folder = join(SAMPLES, name);
  const expected = readFileSync(join(folder, 'expected.yaml'), 'utf8');

  test('is built byte for byte as kubectl builds it', () => {
    expect(built(folder).text).toBe(expected);
  });

  // Where there is a kubectl of that level; what it said is in the sample in any case.
  if (KUBECTL) test('kubectl still says so, and warns alike', () => {
    const { stdout, stderr } = spawnSync(KUBECTL, ['kustomize', folder], { encoding: 'utf8' });
    expect(stdout).toBe(expected);
    expect(built(folder).warnings).toBe(stderr);
  });
});

describe('what cannot be built is refused', () => {
  const root = mkdtempSync(join(tmpdir(), 'kustomize-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const object = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n';

  /** The fault of a folder with these files. */
  function faultOf(files: Readonly<Record<string, string>>): string {
    const folder = mkdtempSync(join(root, 'case-'));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    try {
      built(folder);
    } catch (error) {
      return (error as Error).message.replaceAll(folder, 'DIR');
    }
    return 'none';
  }

  test.each([
    ['no file', {}, "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory 'DIR'"],
    ['an empty file', { 'kustomization.yaml': 'kind: Kustomization' }, 'kustomization.yaml is empty'],
    ['an unknown field', { 'kustomization.yaml': 'frob: 1' }, 'invalid Kustomization: json: unknown field "frob"'],
    ['another kind', { 'kustomization.yaml': 'kind: Frob\nnamespace: a' }, 'Failed to read kustomization file under DIR:\nkind should be Kustomization or Component'],
    ['vars', { 'kustomization.yaml': 'vars: [{name: a}]' }, 'DIR/kustomization.yaml: the field vars is not supported by this kubectl; use replacements, or build with the kustomize program'],
    ['charts', { 'kustomization.yaml': 'helmCharts: [{name: a}]' }, /must specify --enable-helm/],
    ['a remote resource', { 'kustomization.yaml': 'resources: [github.com/a/b]' }, /github\.com\/a\/b is remote/],
    ['a missing resource', { 'kustomization.yaml': 'resources: [x.yaml]' }, "accumulating resources: accumulating resources from 'x.yaml': evalsymlink failure on 'DIR/x.yaml' : lstat DIR/x.yaml: no such file or directory"],
    ['a file outside', { 'kustomization.yaml': 'resources: [sub]', 'sub/kustomization.yaml': 'resources: [../a.yaml]', 'a.yaml': object }, "accumulating resources: accumulating resources from '../a.yaml': security; file 'DIR/a.yaml' is not in or below 'DIR/sub'"],
    ['a circle', { 'kustomization.yaml': 'resources: [sub]', 'sub/kustomization.yaml': 'resources: [..]' }, "cycle detected: candidate root 'DIR' is visited already"],
    ['one resource twice', { 'kustomization.yaml': 'resources: [a.yaml, a.yaml]', 'a.yaml': object }, 'may not add resource with an already registered id: ConfigMap.v1.[noGrp]/a.[noNs]'],
    ['a patch of nothing', { 'kustomization.yaml': `patches: [{patch: "{apiVersion: v1, kind: Pod, metadata: {name: a}}"}]` }, /no resource matches strategic merge patch "Pod\.v1\.\[noGrp\]\/a\.\[noNs\]"/],
    ['a JSON patch without target', { 'kustomization.yaml': `patches: [{patch: '[{"op": "remove", "path": "/a"}]'}]` }, /must specify a target for JSON patch/],
    ['a JSON patch that does not fit', { 'kustomization.yaml': `resources: [a.yaml]\npatches: [{target: {kind: ConfigMap}, patch: '[{"op": "remove", "path": "/a"}]'}]`, 'a.yaml': object }, 'remove operation does not apply: doc is missing path: "/a": missing value'],
    ['a merge into nothing', { 'kustomization.yaml': 'configMapGenerator: [{name: a, behavior: merge}]' }, 'id ConfigMap.v1.[noGrp]/a.[noNs] does not exist; cannot merge or replace'],
    ['a replacement without source', { 'kustomization.yaml': 'replacements: [{source: {kind: Pod}, targets: [{select: {kind: Pod}}]}]' }, /^nothing selected by Pod/],
    ['replicas of nothing', { 'kustomization.yaml': 'replicas: [{name: a, count: 1}]' }, /^resource with name a does not match/],
    ['a component as resource', { 'kustomization.yaml': 'resources: [sub]', 'sub/kustomization.yaml': 'kind: Component\nnamePrefix: a' }, "accumulating resources: expected kind != 'Component' for path 'DIR/sub'"],
  ] as [string, Record<string, string>, string | RegExp][])('%s', (_name, files, fault) => {
    if (typeof fault === 'string') expect(faultOf(files)).toBe(fault);
    else expect(faultOf(files)).toMatch(fault);
  });
});

describe('charts', () => {
  const root = mkdtempSync(join(tmpdir(), 'kustomize-'));
  afterAll(() => rmSync(root, { recursive: true }));
  const helm = join(root, 'helm');
  writeFileSync(join(root, 'kustomization.yaml'), 'namePrefix: p-\nhelmCharts:\n- name: pier\n  repo: https://charts.invalid\n  version: 1.2.3\n  releaseName: north\n  valuesInline:\n    a: b\n');
  // Stands for helm: notes how it is called, and makes an object of the values that it is given.
  writeFileSync(helm, `#!/bin/sh\necho "$@" >> ${root}/calls\ncase $1 in\nversion) echo v3.9.0;;\npull) mkdir -p "$4/pier";;\ntemplate) shift 4; echo 'apiVersion: v1'; echo 'kind: ConfigMap'; echo 'metadata:'; echo '  name: pier'; echo 'data:'; sed 's/^/  /' "$1";;\nesac\n`, { mode: 0o755 });
  const options = { enabled: true, command: helm, debug: false, apiVersions: [], kubeVersion: '1.36' };

  test('are pulled and rendered by helm', () => {
    const objects = buildKustomization(root, { err: () => undefined }, { helm: options });
    expect(objects).toEqual([{ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'p-pier' }, data: { a: 'b' } }]);
    const calls = readFileSync(join(root, 'calls'), 'utf8').replaceAll(/\/\S*\/inline/g, 'inline');
    expect(calls).toBe(`version --short\npull --untar --untardir ${root}/charts/pier-1.2.3 --repo https://charts.invalid pier --version 1.2.3\ntemplate north ${root}/charts/pier-1.2.3/pier -f inline-values.yaml --kube-version 1.36\n`);
  });
  test.each([
    [{ ...options, enabled: false }, 'must specify --enable-helm'], [{ ...options, command: '/nosuch' }, "(is '/nosuch' installed?): fork/exec /nosuch: no such file or directory"],
  ])('are refused without helm', (helmOptions, message) => {
    expect(() => buildKustomization(root, { err: () => undefined }, { helm: helmOptions })).toThrow(message);
  });
});
