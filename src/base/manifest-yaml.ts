import type { ScalarTag, Tags } from 'yaml';

/** What Go's reader does not know or knows otherwise than YAML 1.1, among it times and numbers to the base of 60. */
const REPLACED: readonly string[] = ['timestamp', 'omap', 'pairs', 'set', 'binary', 'int', 'float'].map((name) => `tag:yaml.org,2002:${name}`);

const plain = (text: string): string => text.replaceAll('_', '').replace(/^[-+]/, '').toLowerCase();

const integer: ScalarTag = {
  tag: 'tag:yaml.org,2002:int', default: true, identify: () => false,
  test: /^[-+]?(?:0_*[xX][0-9a-fA-F_]+|0_*[bB][01_]+|0_*[oO]?[0-7_]+|[1-9][0-9_]*|0)$/,
  resolve: (text) => Number(plain(text).replace(/^0(?=[0-7])/, '0o')) * (text.startsWith('-') ? -1 : 1),
};

const float: ScalarTag = {
  tag: 'tag:yaml.org,2002:float', default: true, identify: () => false,
  test: /^[-+]?(?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?$/,
  resolve: (text) => {
    const value = Number(plain(text)) * (text.startsWith('-') ? -1 : 1);
    return Number.isFinite(value) ? value : text;
  },
};

const binary: ScalarTag = { tag: 'tag:yaml.org,2002:binary', identify: () => false, resolve: (text) => Buffer.from(text, 'base64').toString() };

/**
 * How Kubernetes reads YAML, with the options of the `yaml` library: as YAML 1.1, in which `0644` is octal, `yes` and `on` are true and `<<` merges, but
 * with `0o17` as an octal number as well, and with dates and `1:30` as text. Upstream: sigs.k8s.io/yaml.
 */
export const MANIFEST_YAML = {
  version: '1.1',
  customTags: (tags: Tags): Tags => [...tags.filter((tag) => typeof tag === 'string' || !REPLACED.includes(tag.tag)), integer, float, binary],
} as const;
