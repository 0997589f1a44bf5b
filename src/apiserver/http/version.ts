import { KUBERNETES_VERSION } from '../../api/version.ts';

/** `/version`: the level of the API. Clients read `major`, `minor` and `gitVersion`. Upstream: apimachinery pkg/version.Info. */
export const versionInfo = {
  major: '1', minor: '36', emulationMajor: '1', emulationMinor: '36', minCompatibilityMajor: '1', minCompatibilityMinor: '35',
  gitVersion: KUBERNETES_VERSION, gitCommit: '', gitTreeState: 'clean', buildDate: '1970-01-01T00:00:00Z',
  goVersion: `node ${process.version}`, compiler: 'node', platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const;
