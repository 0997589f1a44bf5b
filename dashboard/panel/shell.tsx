import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Obj } from '../api.ts';
import { Choice } from '../controls.tsx';
import { t } from '../language.ts';
import { opened } from '../route.ts';
import { Empty } from '../ui.tsx';

const SHELLS = ['sh', 'bash', 'ash'] as const;

/** A terminal in a container. */
export function Shell({ pod }: { readonly pod: Obj }): JSX.Element {
  const running: readonly string[] = (pod.status?.containerStatuses ?? [])
    .filter(({ state }: { state?: { running?: unknown } }) => state?.running)
    .map(({ name }: { name: string }) => name);
  const container = useSignal(running[0] ?? '');
  const shell = useSignal<string>(SHELLS[0]);
  const turn = useSignal(0);
  const ended = useSignal('');
  const place = useRef<HTMLDivElement>(null);
  const path = opened.value;
  useEffect(() => {
    if (!container.value) return;
    ended.value = '';
    return talkLater(
      place.current!,
      `${path}/exec?${new URLSearchParams({ command: shell.value, container: container.value, stdin: 'true', stdout: 'true', tty: 'true' })}`,
      (why) => {
        ended.value = why;
      },
    );
  }, [container.value, shell.value, turn.value, path]);
  if (running.length === 0 && !container.value) return <Empty>{t('No container of it runs.')}</Empty>;
  return (
    <>
      <div class="tools">
        <Choice label={t('Container')} chosen={container} options={running} />
        <Choice label={t('Program')} chosen={shell} options={SHELLS} />
        {ended.value && (
          <>
            <span class="quiet" role="status">
              {ended.value}
            </span>
            <button
              type="button"
              onClick={() => {
                turn.value++;
              }}
            >
              {t('Start anew')}
            </button>
          </>
        )}
      </div>
      <div class="console" ref={place} />
    </>
  );
}

/** The terminal is a part of its own, loaded with the first shell. */
function talkLater(place: HTMLElement, path: string, onEnd: (why: string) => void): () => void {
  let ended = false;
  let hangUp: (() => void) | undefined;
  void import('./terminal.ts').then(({ talk }) => {
    if (!ended) hangUp = talk(place, path, onEnd);
  });
  return () => {
    ended = true;
    hangUp?.();
  };
}
