import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { parseAllDocuments } from 'yaml';
import { call, type Obj } from '../api.ts';
import { discover } from '../discovery.ts';
import { close, namespace, open } from '../route.ts';
import { hello } from '../store.ts';
import { Icon, notify } from '../ui.tsx';
import { TextArea } from './text-area.tsx';

/** What is open in the panel where something new is written. */
export const NEW = 'new';

const EXAMPLE = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: hello
spec:
  replicas: 1
  selector:
    matchLabels:
      app: hello
  template:
    metadata:
      labels:
        app: hello
    spec:
      containers:
        - name: hello
          image: nginx
`;

/** Makes or changes the objects of a manifest, as kubectl apply --server-side does. Resolves to the path of the first. */
async function apply(text: string, where: string, tell: (text: string) => void): Promise<string> {
  const documents = parseAllDocuments(text);
  const fault = documents.flatMap(({ errors }) => errors)[0];
  if (fault) throw fault;
  const objects = documents.map((document) => document.toJS() as Obj | null).filter((object) => object !== null);
  if (objects.length === 0) throw new Error('There is nothing in it.');
  const served = await discover();
  const paths = objects.map((object) => {
    const { apiVersion, kind, metadata } = object;
    const of = served.find((each) => each.kind === kind && each.base === (apiVersion?.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`));
    if (!of) throw new Error(`This cluster serves no ${kind ?? 'kind'} in ${apiVersion ?? 'an apiVersion that is missing'}.`);
    if (!metadata?.name) throw new Error(`The ${kind} has no metadata.name.`);
    return `${of.base}/${of.namespaced ? `namespaces/${metadata.namespace ?? where}/` : ''}${of.resource}/${metadata.name}`;
  });
  for (const [i, path] of paths.entries()) {
    const { kind, metadata: { name } } = await call('PATCH', `${path}?fieldManager=wherry-dashboard&fieldValidation=Strict`, { body: objects[i], type: 'application/apply-patch+yaml', onWarning: tell });
    tell(`${kind} ${name} is applied.`);
  }
  return paths[0]!;
}

export function NewObject(): JSX.Element {
  const text = useSignal(EXAMPLE);
  const fault = useSignal('');
  const where = namespace.value || hello.value?.namespace || 'default';
  const save = async (): Promise<void> => {
    fault.value = '';
    try {
      open(await apply(text.value, where, notify));
    } catch (error) {
      fault.value = (error as Error).message;
    }
  };
  return <>
    <header>
      <div><small>in {where}, where it does not say otherwise</small><h2>Something new</h2></div>
      <button type="button" class="primary" onClick={() => void save()}>Apply</button>
      <button type="button" class="plain" aria-label="Close" onClick={close}><Icon name="close" /></button>
    </header>
    {fault.value && <p class="banner bad" role="alert">{fault.value}</p>}
    <div class="content yaml"><TextArea label="Manifest" text={text} onSave={() => void save()} /></div>
  </>;
}
