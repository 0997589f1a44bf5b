import type { ConfigurationReader } from '../configuration/configuration-reader.ts';
import type { ScopedResourceSelectorRequirement } from '../../api/generated/core-v1.ts';
import { LEVELS, type PodSecurityLevel } from './pod-security-checks.ts';

/** A level of the Pod Security Standards at a version of Kubernetes: `latest` or `v1.N`. */
export interface PodSecurityStandard {
  readonly level: PodSecurityLevel;
  readonly version: string;
}

export interface PodSecurityConfiguration {
  /** What holds where a namespace's labels do not say otherwise. */
  readonly defaults: Readonly<Record<'enforce' | 'audit' | 'warn', PodSecurityStandard>>;
  /** Who and what is not looked at. */
  readonly exemptions: { readonly usernames: readonly string[]; readonly namespaces: readonly string[]; readonly runtimeClasses: readonly string[] };
}

/** Of a resource (or of pods of some scopes) nothing may be used but under a quota that covers it. */
export interface LimitedResource {
  readonly group: string;
  readonly resource: string;
  /** Of the amounts that a quota can limit, those whose names hold one of these. */
  readonly matchContains: readonly string[];
  readonly matchScopes: readonly ScopedResourceSelectorRequirement[];
}

export interface AdmissionConfiguration {
  readonly podSecurity: PodSecurityConfiguration;
  readonly limitedResources: readonly LimitedResource[];
}

const PRIVILEGED: PodSecurityStandard = { level: 'privileged', version: 'latest' };

/** As it is without a file. */
export const defaultAdmissionConfiguration: AdmissionConfiguration = {
  podSecurity: { defaults: { enforce: PRIVILEGED, audit: PRIVILEGED, warn: PRIVILEGED }, exemptions: { usernames: [], namespaces: [], runtimeClasses: [] } },
  limitedResources: [],
};

/** The plugins that can be configured, a line each. */
const plugins: Readonly<Record<string, (reader: ConfigurationReader) => Partial<AdmissionConfiguration>>> = {
  PodSecurity: (reader) => ({ podSecurity: readPodSecurity(reader) }),
  ResourceQuota: (reader) => ({ limitedResources: readLimitedResources(reader) }),
};

/** Reads a document of the kind `AdmissionConfiguration` in `apiserver.config.k8s.io/v1`. Throws UserError. Upstream: apiserver pkg/admission/config.go. */
export function readAdmissionConfiguration(reader: ConfigurationReader): AdmissionConfiguration {
  reader.knows('apiVersion', 'kind', 'plugins');
  let configuration = defaultAdmissionConfiguration;
  for (const plugin of reader.list('plugins')) {
    plugin.knows('name', 'path', 'configuration');
    const read = plugins[plugin.mustText('name')];
    if (!read) throw plugin.fault('name', `no such plugin can be configured; there are ${Object.keys(plugins).join(', ')}`);
    if (plugin.has('path')) throw plugin.fault('path', 'give the configuration here, as `configuration`: a copy of this file is kept with the cluster');
    const inner = plugin.object('configuration');
    if (inner) configuration = { ...configuration, ...read(inner) };
  }
  return configuration;
}

/** Upstream: pod-security-admission/admission/api. */
function readPodSecurity(reader: ConfigurationReader): PodSecurityConfiguration {
  if (!/^pod-security\.admission\.config\.k8s\.io\/v1(beta1|alpha1)?$/.test(reader.mustText('apiVersion'))) throw reader.fault('apiVersion', 'must be pod-security.admission.config.k8s.io/v1');
  reader.oneOf('kind', ['PodSecurityConfiguration']);
  reader.knows('apiVersion', 'kind', 'defaults', 'exemptions');
  const defaults = reader.object('defaults');
  defaults?.knows('enforce', 'enforce-version', 'audit', 'audit-version', 'warn', 'warn-version');
  const standard = (mode: string): PodSecurityStandard => {
    const version = defaults?.text(`${mode}-version`) ?? 'latest';
    if (!/^(latest|v1\.(0|[1-9]\d*))$/.test(version)) throw defaults!.fault(`${mode}-version`, 'must be "latest" or "v1.x"');
    return { level: defaults?.has(mode) ? defaults.oneOf(mode, LEVELS) : 'privileged', version };
  };
  const exemptions = reader.object('exemptions');
  exemptions?.knows('usernames', 'namespaces', 'runtimeClasses');
  const exempt = (name: string): readonly string[] => {
    const given = exemptions?.texts(name) ?? [];
    given.forEach((value, i) => {
      if (value === '' || given.indexOf(value) < i) throw exemptions!.fault(`${name}[${i}]`, value === '' ? 'must not be empty' : `${value} is there twice`);
    });
    return given;
  };
  return {
    defaults: { enforce: standard('enforce'), audit: standard('audit'), warn: standard('warn') },
    exemptions: { usernames: exempt('usernames'), namespaces: exempt('namespaces'), runtimeClasses: exempt('runtimeClasses') },
  };
}

const SCOPES = ['Terminating', 'NotTerminating', 'BestEffort', 'NotBestEffort', 'PriorityClass', 'CrossNamespacePodAffinity', 'VolumeAttributesClass'] as const;

/** Upstream: apiserver pkg/admission/plugin/resourcequota/apis/resourcequota. */
function readLimitedResources(reader: ConfigurationReader): readonly LimitedResource[] {
  if (!/^(apiserver\.config\.k8s\.io\/v1|resourcequota\.admission\.k8s\.io\/v1(alpha1|beta1))$/.test(reader.mustText('apiVersion'))) throw reader.fault('apiVersion', 'must be apiserver.config.k8s.io/v1');
  reader.oneOf('kind', ['ResourceQuotaConfiguration', 'Configuration']);
  reader.knows('apiVersion', 'kind', 'limitedResources');
  return reader.list('limitedResources').map((limited) => {
    limited.knows('apiGroup', 'resource', 'matchContains', 'matchScopes');
    return {
      group: limited.text('apiGroup') ?? '', resource: limited.mustText('resource'), matchContains: limited.texts('matchContains'),
      matchScopes: limited.list('matchScopes').map((scope) => {
        scope.knows('scopeName', 'operator', 'values');
        return { scopeName: scope.oneOf('scopeName', SCOPES), operator: scope.oneOf('operator', ['In', 'NotIn', 'Exists', 'DoesNotExist']), values: scope.texts('values') };
      }),
    };
  });
}
