import { executeTemplate } from './go-template-evaluate.ts';
import { isFunction } from './go-template-functions.ts';
import { parseTemplate } from './go-template-parse.ts';

export { GoTemplateError } from './go-template-lex.ts';

/** As kubectl calls it; faults name it. */
const NAME = 'output';

/** Compiles a template of Go's text/template, as `-o go-template` takes it. Throws GoTemplateError where it is malformed; running it throws where it fails. */
export function compileGoTemplate(source: string, { allowMissingKeys }: { readonly allowMissingKeys: boolean }): (data: unknown) => string {
  const templates = parseTemplate(NAME, source, isFunction);
  return (data) => executeTemplate({ name: NAME, source, templates, allowMissingKeys }, data);
}
