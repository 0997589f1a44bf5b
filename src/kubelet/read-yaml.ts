import { parse } from 'yaml';
import { MANIFEST_YAML } from '../base/manifest-yaml.ts';

/** A module of its own, to be loaded when there is something to read: the library is not small. */
export const readYaml = (text: string): unknown => parse(text, MANIFEST_YAML);
