import type { JSX } from 'preact';
import { since } from '../format.ts';
import { t } from '../language.ts';
import { placeInWords } from './chain.tsx';
import { beats, began, picture, playing, position, seek, speed, step, togglePlaying } from './story.ts';
import { lessonOf, wordsOf } from './words.ts';

const SPEEDS = [0.5, 1, 2, 4] as const;
const SHAPES = {
  play: 'M7 4v16l13-8z',
  pause: 'M6 4h4v16H6zM14 4h4v16h-4z',
  back: 'M18 5v14L8 12zM5 5h2v14H5z',
  on: 'M6 5v14l10-7zM17 5h2v14h-2z',
  again: 'M20 12a8 8 0 1 1-3-6.2M20 3v5h-5',
} as const;

function Shape({ name }: { readonly name: keyof typeof SHAPES }): JSX.Element {
  return (
    <svg class={`icon${name === 'again' ? '' : ' full'}`} viewBox="0 0 24 24" aria-hidden="true">
      <path d={SHAPES[name]} />
    </svg>
  );
}

/** What the beat in sight is and why there is such a thing, and the means to go to another one. */
export function Player(): JSX.Element {
  const { now } = picture.value;
  const all = beats.value;
  const { who, did, more } = wordsOf(now!);
  const atEnd = position.value >= all.length - 1;
  const stands = since(now!.at - began.value);
  return (
    <section class="player" aria-label={t('The step in sight')}>
      <div class="controls">
        <button type="button" aria-label={t('One step back')} disabled={position.value === 0} onClick={() => step(-1)}>
          <Shape name="back" />
        </button>
        <button
          type="button"
          class="primary"
          aria-label={playing.value && !atEnd ? t('Pause') : atEnd ? t('Play again') : t('Play')}
          onClick={togglePlaying}
        >
          <Shape name={playing.value && !atEnd ? 'pause' : atEnd ? 'again' : 'play'} />
        </button>
        <button type="button" aria-label={t('One step on')} disabled={atEnd} onClick={() => step(1)}>
          <Shape name="on" />
        </button>
        <input
          type="range"
          class="scrub"
          min={0}
          max={Math.max(1, all.length - 1)}
          value={position.value}
          aria-label={t('Step')}
          aria-valuetext={`${placeInWords()}: ${who} ${did}`}
          style={{ '--done': `${(position.value / Math.max(1, all.length - 1)) * 100}%` }}
          onInput={(event) => {
            playing.value = false;
            seek(event.currentTarget.valueAsNumber);
          }}
        />
        <output>
          {position.value + 1}/{all.length}
        </output>
        <label class="speed">
          <span class="hidden">{t('Speed')}</span>
          <select
            value={speed.value}
            onChange={(event) => {
              speed.value = Number(event.currentTarget.value);
            }}
          >
            {SPEEDS.map((value) => (
              <option key={value} value={value}>
                {value}×
              </option>
            ))}
          </select>
        </label>
      </div>
      <div class="narration" aria-live="polite">
        <time>{stands}</time>
        <div>
          <p class={now!.steps[0]!.failed ? 'sentence failed' : 'sentence'}>
            <b>{who}</b> {did}
          </p>
          {more.length > 0 && <p class="quiet">{more.join(' · ')}</p>}
          <p class="lesson">{lessonOf(now!)}</p>
        </div>
      </div>
    </section>
  );
}
