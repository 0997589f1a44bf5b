import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { parse, stringify } from 'yaml';
import { ApiError, call, type Obj } from '../api.ts';
import { notify } from '../ui.tsx';
import { refetch } from './opened-object.ts';
import { TextArea } from './text-area.tsx';

/** The object as text, without what nobody edits. */
function textOf({ metadata: { managedFields: _, ...metadata }, ...object }: Obj): string {
  const { apiVersion, kind, ...rest } = object;
  return stringify({ apiVersion, kind, metadata, ...rest }, { lineWidth: 0 });
}

interface Fault {
  readonly message: string;
  readonly causes: readonly string[];
  /** Somebody else changed it meanwhile. */
  readonly conflict: boolean;
}

/** An object as YAML, to read and to change. */
export function YamlEditor({ object, path }: { readonly object: Obj; readonly path: string }): JSX.Element {
  const text = useSignal(textOf(object));
  /** What the text began as. */
  const base = useSignal(object);
  const fault = useSignal<Fault | undefined>(undefined);
  const saving = useSignal(false);
  const edited = text.value !== textOf(base.value);
  const newer = object.metadata.resourceVersion !== base.value.metadata.resourceVersion;
  const reload = (): void => {
    base.value = object;
    text.value = textOf(object);
    fault.value = undefined;
  };
  useEffect(() => { if (!edited && newer) reload(); }, [object]);
  const save = async (overwrite: boolean): Promise<void> => {
    saving.value = true;
    try {
      let wanted = parse(text.value) as Obj;
      if (overwrite) wanted = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: (await call('GET', path)).metadata.resourceVersion } };
      const saved = await call('PUT', `${path}?fieldValidation=Strict`, { body: wanted, onWarning: (warning) => notify(warning, 'bad') });
      base.value = saved;
      text.value = textOf(saved);
      fault.value = undefined;
      notify(`${saved.metadata.name} is saved.`);
      refetch();
    } catch (error) {
      const { message, causes, code } = error as ApiError;
      fault.value = { message, causes: causes ?? [], conflict: code === 409 };
    }
    saving.value = false;
  };
  return <>
    <div class="tools">
      <button type="button" class="primary" disabled={!edited || saving.value} onClick={() => void save(false)}>Save</button>
      <button type="button" disabled={!edited} onClick={reload}>Discard changes</button>
      {edited && newer && !fault.value && <span class="quiet" role="status">The object has changed since.</span>}
    </div>
    {fault.value && <div class="banner bad" role="alert">
      <p>{fault.value.conflict ? 'Somebody else changed it while you were editing, so that nothing was saved.' : fault.value.message}</p>
      {fault.value.causes.length > 1 && <ul>{fault.value.causes.map((cause) => <li key={cause}>{cause}</li>)}</ul>}
      {fault.value.conflict && <p class="buttons"><button type="button" onClick={reload}>Take theirs, drop mine</button><button type="button" class="danger" onClick={() => void save(true)}>Save mine over theirs</button></p>}
    </div>}
    <TextArea label="YAML" text={text} onSave={() => { if (edited) void save(false); }} />
  </>;
}
