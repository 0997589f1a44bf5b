import { fieldError } from '../errors.ts';
import type { FieldErrors } from './fields.ts';

const maxCount = 512;
const maxBytes = 256 * 1024;

/** Upstream: storage validation.validateParameters. */
export function* parameterErrors(path: string, parameters: Readonly<Record<string, string>>): FieldErrors {
  const entries = Object.entries(parameters);
  if (entries.length > maxCount) {
    yield fieldError.tooLong(path, maxCount);
    return;
  }
  if ('' in parameters) yield fieldError.invalid(path, '', 'field can not be empty.');
  if (entries.reduce((size, [key, value]) => size + Buffer.byteLength(key) + Buffer.byteLength(value), 0) > maxBytes) yield fieldError.tooLong(path, maxBytes);
}
