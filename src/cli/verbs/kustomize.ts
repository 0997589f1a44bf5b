import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlagSpecs } from '../command/flags.ts';
import { buildKustomization } from '../kustomize/build.ts';
import { toYaml } from '../printers/yaml.ts';
import type { Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const ROOT_ONLY = 'LoadRestrictionsRootOnly';
const ANYWHERE = 'LoadRestrictionsNone';

const flags = {
  output: { short: 'o', type: 'string', usage: 'Write the objects into this file, or one file each into this folder, instead of standard output.' },
  'enable-helm': { type: 'bool', usage: 'Enable use of the Helm chart inflator generator.' },
  'helm-command': { type: 'string', default: 'helm', usage: 'helm command (path to executable)' },
  'helm-api-versions': { type: 'array', usage: 'Kubernetes api versions used by Helm for Capabilities.APIVersions' },
  'helm-kube-version': { type: 'string', usage: 'Kubernetes version used by Helm for Capabilities.KubeVersion' },
  'helm-debug': { type: 'bool', usage: 'Enable debug output from the Helm chart inflator generator.' },
  'load-restrictor': { type: 'string', default: ROOT_ONLY, usage: `With ${ANYWHERE}, kustomizations may read files from outside of their folder; they can then not be moved by themselves.` },
  // Functions in containers and programs as plugins are not run: a kustomization that names them is refused by that field.
  'enable-alpha-plugins': { type: 'bool', usage: 'Taken for the sake of scripts: plugins are not run.' },
  'as-current-user': { type: 'bool', usage: 'Of functions in containers, which are not run.' },
  env: { short: 'e', type: 'array', usage: 'Of functions in containers, which are not run.' },
  mount: { type: 'array', usage: 'Of functions in containers, which are not run.' },
  network: { type: 'bool', usage: 'Of functions in containers, which are not run.' },
  'network-name': { type: 'string', default: 'bridge', usage: 'Of functions in containers, which are not run.' },
} as const satisfies FlagSpecs;

/** Upstream: kustomize build, embedded in kubectl. */
export const verb: Verb = {
  usage: 'DIR',
  summary: 'Build a kustomization target from a directory or URL',
  flags,
  async run({ args, flags: given, io }) {
    if (args.length > 1) throw new KubectlError('specify one path to kustomization.yaml');
    const restrictor = given.string('load-restrictor');
    if (restrictor !== ROOT_ONLY && restrictor !== ANYWHERE) throw new KubectlError(`illegal flag value --load-restrictor ${restrictor}; legal values: [${ROOT_ONLY} ${ANYWHERE}]`);
    const objects = buildKustomization(args[0] ?? '.', io, {
      anywhere: restrictor === ANYWHERE,
      helm: { enabled: given.bool('enable-helm'), command: given.string('helm-command'), debug: given.bool('helm-debug'), apiVersions: given.strings('helm-api-versions'), kubeVersion: given.string('helm-kube-version') },
    });
    const output = given.string('output');
    if (!output) io.out(objects.map(toYaml).join('---\n'));
    else if (statSync(output, { throwIfNoEntry: false })?.isDirectory()) {
      for (const object of objects) {
        const name = [object.metadata?.namespace, object.apiVersion.replace('/', '_'), object.kind, object.metadata?.name].filter(Boolean).join('_');
        writeFileSync(join(output, `${name.toLowerCase()}.yaml`), toYaml(object));
      }
    } else writeFileSync(output, objects.map(toYaml).join('---\n'));
  },
};
