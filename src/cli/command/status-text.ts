import type { StatusError } from '../../api/errors.ts';

/** As kubectl words what the server refused. */
export function statusText(error: StatusError): string {
  if (error.message.trim() === '404 page not found') return 'Error from server (NotFound): the server could not find the requested resource';
  if (error.reason === 'Invalid') {
    const { kind, name, causes = [] } = error.status.details ?? {};
    if (causes.length === 1 && !kind && !name) return `The request is invalid: ${causes[0]!.field}: ${causes[0]!.message}`;
    if (causes.length === 0) return `The request is invalid: ${error.message}`.replace(/: $/, '');
    const texts = causes.map((cause) => `${cause.field}: ${cause.message}`);
    const what = `The ${kind} "${name ?? ''}" is invalid`;
    return texts.length === 1 ? `${what}: ${texts[0]}` : `${what}: \n${texts.map((text) => `* ${text}`).join('\n')}`;
  }
  if (error.reason === 'Unauthorized') return `error: You must be logged in to the server (${error.message})`;
  return error.reason === 'Unknown' || error.reason === '' ? `Error from server: ${error.message}` : `Error from server (${error.reason}): ${error.message}`;
}
