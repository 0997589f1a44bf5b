import { parseAllDocuments } from 'yaml';
import { ApiError, call, type Obj } from '../api.ts';
import { discover } from '../discovery.ts';
import { wishOf } from '../editor/yaml-text.ts';
import { t } from '../language.ts';

export interface Planned {
  readonly path: string;
  readonly object: Obj;
  /** As it is now; empty: it is not there. */
  readonly before: string;
  readonly after: string;
  readonly warnings: readonly string[];
  /** The server could not judge it yet: its namespace or its kind is made by the same manifest. */
  readonly later: boolean;
}

const QUERY = 'fieldManager=wherry-dashboard&fieldValidation=Strict';
const APPLY = 'application/apply-patch+yaml';

/** What a manifest would do, judged by the server (a dry run of kubectl apply --server-side). Throws where it refuses. */
export async function plan(text: string, where: string, force: boolean): Promise<readonly Planned[]> {
  const documents = parseAllDocuments(text);
  const fault = documents.flatMap(({ errors }) => errors)[0];
  if (fault) throw fault;
  const objects = documents.map((document) => document.toJS() as Obj | null).filter((object) => object !== null);
  if (objects.length === 0) throw new Error(t('There is nothing in it.'));
  const made = new Set(objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata?.name));
  const planned: Planned[] = [];
  for (const object of objects) {
    const path = await pathFor(object, where);
    const warnings: string[] = [];
    const before = await currentOf(path, object);
    try {
      const after = await call('PATCH', `${path}?${QUERY}&dryRun=All${force ? '&force=true' : ''}`, {
        body: object,
        type: APPLY,
        onWarning: (warning) => warnings.push(warning),
      });
      planned.push({ path, object, before, after: wishOf(after), warnings, later: false });
    } catch (error) {
      const namespace = object.metadata.namespace ?? where;
      if (!(error instanceof ApiError) || error.code !== 404 || !made.has(namespace)) throw error;
      planned.push({ path, object, before, after: wishOf(object), warnings, later: true });
    }
  }
  return planned;
}

/** Carries a plan out. Resolves to the path of the first object. */
export async function carryOut(planned: readonly Planned[], force: boolean, tell: (text: string) => void): Promise<string> {
  for (const { path, object } of planned) {
    const {
      kind,
      metadata: { name },
    } = await call('PATCH', `${path}?${QUERY}${force ? '&force=true' : ''}`, { body: object, type: APPLY });
    tell(t('{kind} {name} is applied.', { kind, name }));
  }
  return planned[0]!.path;
}

async function pathFor({ apiVersion, kind, metadata }: Obj, where: string): Promise<string> {
  const served = await discover();
  const of = served.find(
    (each) => each.kind === kind && each.base === (apiVersion?.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`),
  );
  if (!of)
    throw new Error(
      t('This cluster serves no {kind} in {version}.', {
        kind: kind ?? t('kind'),
        version: apiVersion ?? t('an apiVersion that is missing'),
      }),
    );
  if (!metadata?.name) throw new Error(t('The {kind} has no metadata.name.', { kind }));
  return `${of.base}/${of.namespaced ? `namespaces/${metadata.namespace ?? where}/` : ''}${of.resource}/${metadata.name}`;
}

/** By a list, for what is not there is no fault. */
async function currentOf(path: string, { apiVersion, kind }: Obj): Promise<string> {
  const at = path.lastIndexOf('/');
  const { items } = await call<{ readonly items: readonly Obj[] }>(
    'GET',
    `${path.slice(0, at)}?${new URLSearchParams({ fieldSelector: `metadata.name=${path.slice(at + 1)}` })}`,
  );
  return items[0] ? wishOf({ ...items[0], apiVersion, kind }) : '';
}
