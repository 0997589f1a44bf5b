// Fields that show a signal and write it.
import type { Signal } from '@preact/signals';
import type { JSX } from 'preact';

interface ChoiceProps {
  readonly label: string;
  readonly chosen: Signal<string>;
  /** A value that shows itself, or a value with what stands for it. */
  readonly options: readonly (string | readonly [value: string, shown: string])[];
}

/** One of several. */
export function Choice({ label, chosen, options }: ChoiceProps): JSX.Element {
  return (
    <label>
      {label}{' '}
      <select
        value={chosen.value}
        onChange={(event) => {
          chosen.value = event.currentTarget.value;
        }}
      >
        {options.map((option) => {
          const [value, shown] = typeof option === 'string' ? [option, option] : option;
          return (
            <option key={value} value={value}>
              {shown}
            </option>
          );
        })}
      </select>
    </label>
  );
}

/** Yes or no. */
export function Check({ label, checked }: { readonly label: string; readonly checked: Signal<boolean> }): JSX.Element {
  return (
    <label>
      <input
        type="checkbox"
        checked={checked.value}
        onChange={(event) => {
          checked.value = event.currentTarget.checked;
        }}
      />
      {label}
    </label>
  );
}
