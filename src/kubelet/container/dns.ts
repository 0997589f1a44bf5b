import type { Pod } from '../../api/generated/core-v1.ts';
import type { DNSConfig } from '../../cri/runtime.ts';

const MAX_SERVERS = 3;
const MAX_SEARCHES = 32;
const MAX_SEARCH_CHARACTERS = 2048;

export interface DnsSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The host's resolver configuration. */
  readonly host: Required<DNSConfig>;
}

/** Reads the three kinds of lines of a resolv.conf that matter. */
export function parseResolvConf(text: string): Required<DNSConfig> {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split('\n')) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === 'nameserver' && values[0]) servers.push(values[0]);
    else if (key === 'search') searches = values.map((value) => (value === '.' ? value : value.replace(/\.$/, '')));
    else if (key === 'options') options = values;
  }
  return { servers, searches, options };
}

const unique = (items: readonly string[]): string[] => [...new Set(items)];

/** What goes into the pod's resolv.conf. Upstream: kubelet/network/dns. */
export function podDns(pod: Pod, settings: DnsSettings): DNSConfig {
  const { dnsPolicy = 'ClusterFirst', dnsConfig, hostNetwork } = pod.spec;
  const clusterFirst = settings.clusterDns.length > 0 && (dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork));
  const base = dnsPolicy === 'None' ? { servers: [], searches: [], options: [] } : clusterFirst ? clusterDns(pod, settings) : settings.host;
  const options = new Map(base.options.map((option) => [option.split(':')[0]!, option]));
  for (const { name, value } of dnsConfig?.options ?? []) if (name) options.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  return {
    servers: unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]).slice(0, MAX_SERVERS),
    searches: fitSearches(unique([...base.searches, ...(dnsConfig?.searches ?? [])])),
    options: [...options.values()],
  };
}

function clusterDns(pod: Pod, { clusterDns: servers, clusterDomain, host }: DnsSettings): Required<DNSConfig> {
  const searches = clusterDomain ? [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain, ...host.searches] : host.searches;
  return { servers, searches, options: ['ndots:5'] };
}

function fitSearches(searches: readonly string[]): string[] {
  const fitting = searches.slice(0, MAX_SEARCHES);
  while (fitting.join(' ').length > MAX_SEARCH_CHARACTERS) fitting.pop();
  return fitting;
}

/** The pod's host name and, where it has a subdomain, its domain. Upstream: kubelet GeneratePodHostNameAndDomain. */
export function podHostname(pod: Pod, clusterDomain: string): { hostname: string; domain: string } {
  const { hostname: asked, subdomain, hostnameOverride } = pod.spec;
  if (hostnameOverride) return { hostname: hostnameOverride, domain: '' };
  const hostname = (asked || pod.metadata.name).slice(0, 63).replace(/[-.]+$/, '');
  return { hostname, domain: subdomain ? `${subdomain}.${pod.metadata.namespace}.svc.${clusterDomain}` : '' };
}

/** The text of a pod's /etc/hosts. Upstream: kubelet managedHostsFileContent, same header, so that tests of it agree. */
export function hostsFile(pod: Pod, podIps: readonly string[], hostHosts: string, clusterDomain: string): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`).join('');
  const aliasPart = aliases && `\n# Entries added by HostAliases.\n${aliases}`;
  if (pod.spec.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${hostHosts}${aliasPart}`;
  const { hostname, domain } = podHostname(pod, clusterDomain);
  const names = domain ? `${hostname}.${domain}\t${hostname}` : hostname;
  return '# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nfe00::0\tip6-localnet\nfe00::0\tip6-mcastprefix\n'
    + `fe00::1\tip6-allnodes\nfe00::2\tip6-allrouters\n${podIps.map((ip) => `${ip}\t${names}\n`).join('')}${aliasPart}`;
}
