import { KubectlError, type Verb } from '../verb.ts';

export const verb: Verb = {
  usage: 'DIR',
  summary: 'Build a kustomization target from a directory or URL (not available)',
  flags: {},
  async run() {
    throw new KubectlError("kustomize is not built into this kubectl; build with the kustomize program and pipe it: kustomize build DIR | kubectl apply -f -");
  },
};
