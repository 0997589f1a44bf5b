import { fieldError } from '../errors.ts';
import { isDns1123Subdomain, regexFault } from '../names.ts';
import { formatErrors, type FieldErrors } from './fields.ts';

const pathPattern = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

/** `example.com/controller`. Upstream: IsDomainPrefixedPath. */
export function* domainPrefixedPath(path: string, name: string): FieldErrors {
  if (name === '') {
    yield fieldError.required(path);
    return;
  }
  const slash = name.indexOf('/');
  if (slash <= 0 || slash === name.length - 1) {
    yield fieldError.invalid(path, name, 'must be a domain-prefixed path (such as "acme.io/foo")');
    return;
  }
  const host = name.slice(0, slash);
  yield* formatErrors(path, host, isDns1123Subdomain(host));
  const rest = name.slice(slash + 1);
  if (!new RegExp(`^${pathPattern}$`).test(rest)) yield fieldError.invalid(path, rest, regexFault('Invalid path', pathPattern));
}
