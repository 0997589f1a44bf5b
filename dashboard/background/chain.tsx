import { useComputed } from '@preact/signals';
import type { JSX } from 'preact';
import type { Station } from '../../src/dashboard/background/step.ts';
import { since } from '../format.ts';
import { t } from '../language.ts';
import { beats, began, picture, playing, position, seek } from './story.ts';
import { isWrite } from './picture.ts';
import { StationIcon } from './station-icon.tsx';

const CHAIN: readonly (readonly [Station, string])[] = [
  ['client', 'Client'],
  ['api', 'API server'],
  ['controller', 'Controllers'],
  ['scheduler', 'Scheduler'],
  ['node', 'Node'],
  ['registry', 'Registry'],
  ['container', 'Container'],
];

/** The way of a command through the cluster, in a line: each link with the time when it was first reached. */
export function Chain(): JSX.Element {
  const whole = useComputed(
    () => new Set(beats.value.flatMap(({ station, steps }) => (steps.some(isWrite) ? [station, 'api' as const] : [station]))),
  );
  const { lit, now } = picture.value;
  return (
    <ol class="chain" aria-label={t('The way of the command')}>
      {CHAIN.map(([station, label]) => {
        const at = lit.get(station);
        const first = beats.value.findIndex((beat) => beat.station === station || (station === 'api' && beat.steps.some(isWrite)));
        const state = at !== undefined ? (now?.station === station ? 'lit now' : 'lit') : whole.value.has(station) ? 'ahead' : 'unused';
        const time = station === 'client' ? '0' : at === undefined ? '' : since(at - began.value);
        return (
          <li key={station} class={state}>
            <button
              type="button"
              disabled={first < 0}
              onClick={() => {
                playing.value = false;
                seek(first);
              }}
              {...(now?.station === station && { 'aria-current': 'step' as const })}
              title={state === 'unused' ? t('had no part in it') : undefined}
            >
              <StationIcon name={station} />
              <span>{t(label)}</span>
              <time>{state === 'unused' ? '–' : time || ' '}</time>
            </button>
          </li>
        );
      })}
    </ol>
  );
}

/** For who hears it: which beat of how many. */
export function placeInWords(): string {
  return t('step {i} of {n}', { i: position.value + 1, n: beats.value.length });
}
