import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { parse } from 'yaml';
import { ApiError, call, type Obj } from '../api.ts';
import { CodeEditor } from '../editor/code-editor.tsx';
import { Diff } from '../editor/diff.tsx';
import { textOf, wishOf } from '../editor/yaml-text.ts';
import { t } from '../language.ts';
import { done } from '../ui.tsx';
import { refetch } from './opened-object.ts';

interface Fault {
  readonly message: string;
  readonly causes: readonly string[];
  /** Somebody else changed it meanwhile. */
  readonly conflict: boolean;
}

interface Review {
  readonly wanted: Obj;
  readonly before: string;
  /** As the server would store it, defaults and all. */
  readonly after: string;
  readonly warnings: readonly string[];
}

/** An object as YAML, to read and to change: what is wanted is shown to the server first, and what would come of it to the person. */
export function YamlEditor({ object, path }: { readonly object: Obj; readonly path: string }): JSX.Element {
  const text = useSignal(textOf(object));
  /** What the text began as. */
  const base = useSignal(object);
  const fault = useSignal<Fault | undefined>(undefined);
  const review = useSignal<Review | undefined>(undefined);
  const busy = useSignal(false);
  const edited = text.value !== textOf(base.value);
  const newer = object.metadata.resourceVersion !== base.value.metadata.resourceVersion;
  const reload = (): void => {
    base.value = object;
    text.value = textOf(object);
    fault.value = undefined;
    review.value = undefined;
  };
  useEffect(() => {
    if (!edited && newer) reload();
  }, [object]);
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    busy.value = true;
    fault.value = undefined;
    try {
      await work();
    } catch (error) {
      const { message, causes, code } = error as ApiError;
      fault.value = { message, causes: causes ?? [], conflict: code === 409 };
      review.value = undefined;
    }
    busy.value = false;
  };
  const check = (overwrite: boolean): Promise<void> =>
    attempt(async () => {
      let wanted = parse(text.value) as Obj;
      const current = await call('GET', path);
      if (overwrite) wanted = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: current.metadata.resourceVersion } };
      const warnings: string[] = [];
      const result = await call('PUT', `${path}?fieldValidation=Strict&dryRun=All`, {
        body: wanted,
        onWarning: (warning) => warnings.push(warning),
      });
      review.value = { wanted, before: wishOf(current), after: wishOf(result), warnings };
    });
  const save = (): Promise<void> =>
    attempt(async () => {
      const saved = await call('PUT', `${path}?fieldValidation=Strict`, { body: review.value!.wanted });
      base.value = saved;
      text.value = textOf(saved);
      review.value = undefined;
      done(t('{name} is saved.', { name: saved.metadata.name }));
      refetch();
    });
  if (review.value) {
    const { before, after, warnings } = review.value;
    return (
      <>
        <div class="tools">
          <button type="button" class="primary" disabled={busy.value || before === after} onClick={() => void save()}>
            {t('Apply')}
          </button>
          <button
            type="button"
            onClick={() => {
              review.value = undefined;
            }}
          >
            {t('Back to the text')}
          </button>
          <span class="quiet">{t('The server would take it (dry run). This is what changes:')}</span>
        </div>
        {warnings.map((warning) => (
          <p key={warning} class="banner" role="alert">
            {warning}
          </p>
        ))}
        <Diff before={before} after={after} label={t('what changes')} />
      </>
    );
  }
  return (
    <>
      <div class="tools">
        <button type="button" class="primary" disabled={!edited || busy.value} onClick={() => void check(false)}>
          {t('Review changes')}
        </button>
        <button type="button" disabled={!edited} onClick={reload}>
          {t('Discard changes')}
        </button>
        {edited && newer && !fault.value && (
          <span class="quiet" role="status">
            {t('The object has changed since.')}
          </span>
        )}
      </div>
      {fault.value && (
        <div class="banner bad" role="alert">
          <p>
            {fault.value.conflict ? t('Somebody else changed it while you were editing, so that nothing was saved.') : fault.value.message}
          </p>
          {fault.value.causes.length > 1 && (
            <ul>
              {fault.value.causes.map((cause) => (
                <li key={cause}>{cause}</li>
              ))}
            </ul>
          )}
          {fault.value.conflict && (
            <p class="buttons">
              <button type="button" onClick={reload}>
                {t('Take theirs, drop mine')}
              </button>
              <button type="button" class="danger" onClick={() => void check(true)}>
                {t('Put mine over theirs')}
              </button>
            </p>
          )}
        </div>
      )}
      <CodeEditor
        label="YAML"
        text={text}
        onSave={() => {
          if (edited) void check(false);
        }}
      />
    </>
  );
}
