// The small parts that everything is made of.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { humanDuration } from '../src/api/human-duration.ts';
import type { Tone } from '../src/dashboard/rows/row.ts';
import { now } from './format.ts';
import { t } from './language.ts';
import { hrefOf } from './route.ts';

const ICONS = {
  overview: 'M3 3h8v8H3zM13 3h8v5h-8zM13 10h8v11h-8zM3 13h8v8H3z',
  workloads: 'M12 2 3 7v10l9 5 9-5V7zM3 7l9 5 9-5M12 12v10',
  pods: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  services: 'M12 3v6M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM5 21l4.8-6.8M19 21l-4.8-6.8',
  nodes: 'M3 4h18v6H3zM3 14h18v6H3zM7 7h.01M7 17h.01',
  events: 'M13 2 4 14h7l-1 8 9-12h-7z',
  resources: 'M4 6h16M4 12h16M4 18h10',
  auto: 'M12 3a9 9 0 1 0 0 18zM12 3v18a9 9 0 0 0 0-18z',
  light: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2',
  dark: 'M20 14A8.5 8.5 0 0 1 10 4a8.5 8.5 0 1 0 10 10z',
  close: 'M5 5l14 14M19 5 5 19',
  background:
    'M4 12a2 2 0 1 0 0 .01M12 5a2 2 0 1 0 0 .01M12 19a2 2 0 1 0 0 .01M20 12a2 2 0 1 0 0 .01M6 11l4.5-4.5M6 13l4.5 4.5M14 6.5l4.5 4.5M14 17.5l4.5-4.5',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 21 21',
} as const;
export type IconName = keyof typeof ICONS;

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={ICONS[name]} />
    </svg>
  );
}

export function Boat(): JSX.Element {
  return (
    <svg class="boat" viewBox="0 0 24 24" aria-hidden="true">
      <path d="M11 2v12H4zM13 5l6 9h-6zM2 16h20c-1 4-4 6-7 6H9c-3 0-6-2-7-6z" />
    </svg>
  );
}

export function Dot({ tone }: { readonly tone: Tone }): JSX.Element {
  return <i class={`dot ${tone}`} aria-hidden="true" />;
}

export function State({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }): JSX.Element {
  return (
    <span class={`state ${tone}`}>
      <Dot tone={tone} />
      <span>{children}</span>
    </span>
  );
}

/** How long ago, by itself kept current. */
export function Age({ since }: { readonly since: number }): JSX.Element {
  return (
    <time dateTime={new Date(since).toISOString()} title={new Date(since).toLocaleString()}>
      {humanDuration(Math.max(0, now.value - since))}
    </time>
  );
}

/** Opens an object in the panel. */
export function ObjectLink({
  path,
  children,
  title,
}: {
  readonly path: string | undefined;
  readonly children: ComponentChildren;
  readonly title?: string;
}): JSX.Element {
  return path === undefined ? (
    <span>{children}</span>
  ) : (
    <a href={hrefOf({ params: { open: path, tab: '' } })} {...(title && { title })}>
      {children}
    </a>
  );
}

interface MeterProps {
  readonly label: string;
  readonly value: number;
  readonly of: number;
  readonly text: string;
  /** Where room is scarce; the text is still told. */
  readonly short?: string;
}

export function Meter({ label, value, of, text, short }: MeterProps): JSX.Element {
  const share = of > 0 ? Math.min(1, value / of) : 0;
  return (
    <div
      class="meter"
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={of}
      aria-valuenow={value}
      aria-valuetext={text}
      title={`${label}: ${text}`}
    >
      <span>{label}</span>
      <b>{short ?? text}</b>
      <i class={share > 0.9 ? 'bar high' : 'bar'}>
        <i style={{ width: `${share * 100}%` }} />
      </i>
    </div>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <div class="empty">{children}</div>;
}

/** A command for the terminal, with a button that copies it. */
export function Command({ text }: { readonly text: string }): JSX.Element {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      notify(t('Copied.'));
    } catch {
      notify(t('The browser does not let the page copy; mark it and copy it by hand.'), 'bad');
    }
  };
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" class="plain" aria-label={t('Copy the command')} onClick={() => void copy()}>
        <Icon name="copy" />
      </button>
    </span>
  );
}

interface Notice {
  readonly id: number;
  readonly tone: 'ok' | 'bad';
  readonly text: string;
  readonly background?: boolean;
}
const notices = signal<readonly Notice[]>([]);
let noticeCount = 0;

/** Says something in the corner for a while. */
export function notify(text: string, tone: 'ok' | 'bad' = 'ok', background = false): void {
  const notice = { id: ++noticeCount, tone, text, ...(background && { background }) };
  notices.value = [...notices.value.slice(-3), notice];
  setTimeout(
    () => {
      notices.value = notices.value.filter((other) => other !== notice);
    },
    tone === 'bad' ? 12_000 : background ? 8000 : 4000,
  );
}

/** Says that the cluster is at work, and where one sees it work. */
export const done = (text: string): void => notify(text, 'ok', true);

export function Notices(): JSX.Element {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ id, tone, text, background }) => (
        <p key={id} class={tone}>
          {text}
          {background && <a href="#/background?of=latest">{t('Watch what it sets off')}</a>}
        </p>
      ))}
    </div>
  );
}

/** Does something with the cluster, and says so where it fails. Resolves to whether it was done. */
export async function attempt(what: string, work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work();
    done(what);
    return true;
  } catch (error) {
    notify((error as Error).message, 'bad');
    return false;
  }
}
