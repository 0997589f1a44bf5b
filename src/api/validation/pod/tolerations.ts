/** Upstream: ValidateTolerations. */
import { fieldError } from '../../errors.ts';
import type { Toleration } from '../../generated/core-v1.ts';
import { isLabelValue } from '../../names.ts';
import { oneOfIfAny, qualifiedName, type FieldErrors } from '../fields.ts';
import { taintEffects } from '../node.ts';

export function* tolerationErrors(path: string, tolerations: readonly Toleration[]): FieldErrors {
  for (const [i, { key, operator, value = '', effect, tolerationSeconds }] of tolerations.entries()) {
    const at = `${path}[${i}]`;
    if (key) yield* qualifiedName(`${at}.key`, key);
    if (!key && operator !== 'Exists') yield fieldError.invalid(`${at}.operator`, operator ?? '', "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
    if (tolerationSeconds !== undefined && effect !== 'NoExecute') yield fieldError.invalid(`${at}.effect`, effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set");
    switch (operator || 'Equal') {
      case 'Equal': {
        const faults = isLabelValue(value);
        if (faults.length) yield fieldError.invalid(`${at}.operator`, value, faults.join(';'));
        break;
      }
      case 'Exists':
        if (value) yield fieldError.invalid(`${at}.operator`, { key, operator, value, effect }, 'value must be empty when `operator` is \'Exists\'');
        break;
      default:
        yield fieldError.notSupported(`${at}.operator`, operator ?? '', ['Equal', 'Exists']);
    }
    if (effect) yield* oneOfIfAny(`${at}.effect`, effect, taintEffects);
  }
}
