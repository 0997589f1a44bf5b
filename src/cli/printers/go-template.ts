import { evaluate, isFunction, type Scope } from './go-template-evaluate.ts';
import { parseTemplate } from './go-template-parse.ts';

export { GoTemplateError } from './go-template-parse.ts';

/** Compiles a template of Go's text/template, as `-o go-template` takes it. Throws GoTemplateError where it is malformed; running it throws where it fails. */
export function compileGoTemplate(source: string, options: { readonly allowMissingKeys: boolean }): (data: unknown) => string {
  const template = parseTemplate(source, isFunction);
  return (data) => {
    const scope: Scope = { root: data, variables: [['$', data]], templates: template.defined, options };
    return evaluate(template.body, data, scope);
  };
}
