import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FlagSpecs } from '../command/flags.ts';
import { buildKustomization } from '../kustomize/build.ts';
import { toYaml } from '../printers/yaml.ts';
import { KubectlError, type Verb } from '../command/verb.ts';

const flags = {
  output: { short: 'o', type: 'string', usage: 'Write the objects into this file, or one file each into this folder, instead of standard output.' },
} as const satisfies FlagSpecs;

/** Upstream: kustomize build, embedded in kubectl. */
export const verb: Verb = {
  usage: 'DIR',
  summary: 'Build a kustomization target from a directory or URL',
  flags,
  async run({ args, flags: given, io }) {
    if (args.length > 1) throw new KubectlError('specify one path to kustomization.yaml');
    const objects = buildKustomization(args[0] ?? '.', io);
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
