import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { KubectlError } from '../command/kubectl-error.ts';
import { toYaml } from '../printers/yaml.ts';
import type { FileLoader } from './file-loader.ts';
import { isTree, type Tree } from './resource.ts';

/** An entry of `helmCharts`. Upstream: kustomize api/types/helmchartargs.go. */
export interface HelmChart {
  readonly name?: string;
  readonly version?: string;
  readonly repo?: string;
  readonly releaseName?: string;
  readonly namespace?: string;
  readonly valuesFile?: string;
  readonly additionalValuesFiles?: readonly string[];
  readonly valuesInline?: Readonly<Record<string, unknown>>;
  readonly valuesMerge?: string;
  readonly includeCRDs?: boolean;
  readonly skipHooks?: boolean;
  readonly skipTests?: boolean;
  readonly nameTemplate?: string;
  readonly apiVersions?: readonly string[];
  readonly kubeVersion?: string;
  readonly debug?: boolean;
}

export interface HelmGlobals {
  /** Folder of charts, within the kustomization's. */
  readonly chartHome?: string;
  readonly configHome?: string;
}

/** What the flags of `kubectl kustomize` say of helm; off unless `enabled`. */
export interface HelmOptions {
  readonly enabled: boolean;
  readonly command: string;
  readonly debug: boolean;
  readonly apiVersions: readonly string[];
  readonly kubeVersion: string;
}

export const NO_HELM: HelmOptions = { enabled: false, command: 'helm', debug: false, apiVersions: [], kubeVersion: '' };

/**
 * The YAML that helm makes of a chart; a chart that is not in the chart folder is pulled from its repository first. Throws KubectlError where helm is not
 * wanted, not there, or fails. Upstream: kustomize api/internal/builtins/HelmChartInflationGenerator.go.
 */
export function inflateChart(chart: HelmChart, globals: HelmGlobals, loader: FileLoader, options: HelmOptions): string {
  const fault = (text: string): KubectlError => new KubectlError(`trouble configuring builtin HelmChartInflationGenerator with config: \`\n${toYaml(chart)}\`: ${text}`);
  if (!options.enabled) throw fault('must specify --enable-helm');
  if (!options.command) throw fault('must specify --helm-command');
  if (!chart.name) throw fault('chart name cannot be empty');
  const merge = chart.valuesMerge || 'override';
  if (!['merge', 'override', 'replace'].includes(merge)) throw fault('valuesMerge must be one of merge,override,replace');
  const work = mkdtempSync(join(tmpdir(), 'kustomize-helm-'));
  try {
    const config = globals.configHome || join(work, 'helm');
    const run = (args: readonly string[]): string => runHelm(options.command, args, [`HELM_CONFIG_HOME=${config}`, `HELM_CACHE_HOME=${config}/.cache`, `HELM_DATA_HOME=${config}/.data`]);
    checkVersion(run(['version', '--short']));
    const home = isAbsolute(globals.chartHome ?? '') ? globals.chartHome! : join(loader.root, globals.chartHome || 'charts');
    const folder = chart.version && chart.repo ? join(home, `${chart.name}-${chart.version}`) : home;
    const path = join(folder, chart.name);
    if (!existsSync(path)) {
      if (!chart.repo) throw new KubectlError(`no repo specified for pull, no chart found at '${path}'`);
      const source = chart.repo.startsWith('oci://') ? [`${chart.repo.replace(/\/$/, '')}/${chart.name}`] : ['--repo', chart.repo, chart.name];
      run(['pull', '--untar', '--untardir', folder, ...source, ...(chart.version ? ['--version', chart.version] : [])]);
    }
    const values = valuesOf(chart, merge, join(path, 'values.yaml'), loader, work);
    return run([
      'template', ...(chart.releaseName ? [chart.releaseName] : []), path, ...(chart.namespace ? ['--namespace', chart.namespace] : []), ...(chart.nameTemplate ? ['--name-template', chart.nameTemplate] : []),
      ...values.flatMap((file) => ['-f', file]), ...[...options.apiVersions, ...(chart.apiVersions ?? [])].flatMap((version) => ['--api-versions', version]),
      ...(options.kubeVersion || chart.kubeVersion ? ['--kube-version', options.kubeVersion || chart.kubeVersion!] : []), ...(chart.releaseName ? [] : ['--generate-name']),
      ...(chart.includeCRDs ? ['--include-crds'] : []), ...(chart.skipTests ? ['--skip-tests'] : []), ...(chart.skipHooks ? ['--no-hooks'] : []), ...(options.debug || chart.debug ? ['--debug'] : []),
    ]);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The files of values in helm's order: later ones count more. `merge` lets those of the chart's file count more than the inline ones. */
function valuesOf({ valuesFile, valuesInline, additionalValuesFiles = [] }: HelmChart, merge: string, own: string, loader: FileLoader, work: string): string[] {
  const base = join(work, 'values.yaml');
  if (valuesFile) writeFileSync(base, loader.bytes(valuesFile));
  else if (existsSync(own)) copyFileSync(own, base);
  const bases = existsSync(base) ? [base] : [];
  const more = additionalValuesFiles.map((file) => join(loader.root, file));
  if (!isTree(valuesInline) || Object.keys(valuesInline as Tree).length === 0) return [...bases, ...more];
  const inline = join(work, 'inline-values.yaml');
  writeFileSync(inline, toYaml(valuesInline));
  return [...(merge === 'replace' ? [inline] : merge === 'merge' ? [inline, ...bases] : [...bases, inline]), ...more];
}

function runHelm(command: string, args: readonly string[], env: readonly string[]): string {
  const variables = Object.fromEntries(env.map((pair) => pair.split('=') as [string, string]));
  const { status, signal, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...variables }, maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] });
  if (!error && status === 0) return stdout;
  const absent = command.includes('/') ? `fork/exec ${command}: no such file or directory` : `exec: ${JSON.stringify(command)}: executable file not found in $PATH`;
  const why = (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT' ? absent : error?.message ?? (signal ? `signal: ${signal}` : `exit status ${status}`);
  throw new KubectlError(`${stderr ? `${stderr}: ` : ''}unable to run: '${command} ${args.join(' ')}' with env=[${env.join(' ')}] (is '${command}' installed?): ${why}`);
}

function checkVersion(text: string): void {
  const version = /v?(\d+)\.\d+\.\d+/.exec(text);
  if (!version) throw new KubectlError(`cannot find version string in ${text}`);
  if (Number(version[1]) < 3) throw new KubectlError(`this plugin requires helm V3 but got v${version[0].replace(/^v/, '')}`);
}
