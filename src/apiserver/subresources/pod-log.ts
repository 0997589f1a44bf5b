import { badRequest, fieldError, internalError, invalid, notFound, statusError, type FieldError, type StatusError } from '../../api/errors.ts';
import { pods } from '../../api/generated/resources.ts';
import { containerOfPod } from './container-of-pod.ts';
import { hostPort } from './kubelet-connections.ts';
import { reverseProxy } from './reverse-proxy.ts';
import { streamToWebSocket } from './web-socket-stream.ts';
import type { SubresourceHandler, SubresourceServices } from './subresource-handler.ts';

const BOOLEANS = ['follow', 'previous', 'timestamps'] as const;
const NUMBERS = ['sinceSeconds', 'tailLines', 'limitBytes'] as const;

/** `GET pods/<name>/log`: the kubelet's answer, passed through as it comes. Upstream: pkg/registry/core/pod/rest/log.go. */
export function podLog({ objects, kubelets, log }: SubresourceServices): SubresourceHandler {
  return {
    resource: pods, subresource: 'log', methods: ['GET'],
    async connect(call) {
      const { name, namespace } = call.info;
      const parameters = logParameters(call.query, name);
      const pod = objects.get(pods, { namespace, name });
      if (!pod) throw notFound(pods, name);
      const container = containerOfPod(pod, call.query.get('container') ?? '');
      if (!pod.spec.nodeName) {
        if (!call.response) throw badRequest(`pod ${name} does not have a host assigned`);
        call.response.writeHead(200, { 'content-type': 'text/plain' }).end();
        return;
      }
      const { host, port } = kubelets.locate(pod.spec.nodeName);
      const url = new URL(`https://${hostPort(host, port)}/containerLogs/${namespace}/${name}/${container}?${parameters}`);
      const agent = readBoolean(call.query.get('insecureSkipTLSVerifyBackend')) ? kubelets.uncheckedAgent : kubelets.agent;
      if (call.upgrade) return streamToWebSocket(call, url, agent, (status, text) => kubeletFault(status, text, name));
      await reverseProxy(call, {
        url, agent, headers: { accept: '*/*', 'accept-encoding': 'identity' },
        answerHeaders: (headers) => void (headers['content-type'] ??= 'text/plain'),
        fault: { wants: (status) => status < 200 || status > 206, make: (status, text) => kubeletFault(status, text, name) },
      }, log);
    },
  };
}

/** What goes on to the kubelet. Throws 400 or 422 where the request is wrong. */
export function logParameters(query: URLSearchParams, podName: string): URLSearchParams {
  const out = new URLSearchParams();
  for (const key of BOOLEANS) if (readBoolean(query.get(key))) out.set(key, 'true');
  const numbers = new Map<string, number>();
  for (const key of NUMBERS) {
    const text = query.get(key);
    if (text === null || text === '') continue;
    if (!/^[-+]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
    numbers.set(key, Number(text));
    out.set(key, String(Number(text)));
  }
  const sinceTime = query.get('sinceTime');
  if (sinceTime) {
    if (Number.isNaN(Date.parse(sinceTime))) throw badRequest(`parsing time ${JSON.stringify(sinceTime)} as "2006-01-02T15:04:05Z07:00": cannot parse`);
    out.set('sinceTime', sinceTime);
  }
  const stream = query.get('stream') || 'All';
  const errors: FieldError[] = [];
  if ((numbers.get('tailLines') ?? 0) < 0) errors.push(fieldError.invalid('tailLines', numbers.get('tailLines'), 'must be greater than or equal to 0'));
  if ((numbers.get('limitBytes') ?? 1) < 1) errors.push(fieldError.invalid('limitBytes', numbers.get('limitBytes'), 'must be greater than 0'));
  if (numbers.has('sinceSeconds') && sinceTime) errors.push(fieldError.forbidden('', 'at most one of `sinceTime` or `sinceSeconds` may be specified'));
  else if ((numbers.get('sinceSeconds') ?? 1) < 1) errors.push(fieldError.invalid('sinceSeconds', numbers.get('sinceSeconds'), 'must be greater than 0'));
  if (!['All', 'Stdout', 'Stderr'].includes(stream)) errors.push(fieldError.notSupported('stream', stream, ['All', 'Stderr', 'Stdout']));
  else if (stream !== 'All' && numbers.has('tailLines')) errors.push(fieldError.forbidden('', '`tailLines` and specific `stream` are mutually exclusive for now'));
  if (errors.length) throw invalid({ group: '', kind: 'PodLogOptions' }, podName, errors);
  if (stream !== 'All') out.set('stream', stream);
  return out;
}

const readBoolean = (text: string | null): boolean => text !== null && ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text);

function kubeletFault(status: number, text: string, name: string): StatusError {
  if (status === 500) return internalError(text);
  if (status === 400) return badRequest(text);
  const known: Readonly<Record<number, readonly [string, string]>> = {
    401: ['Unauthorized', 'the server has asked for the client to provide credentials'], 403: ['Forbidden', text],
    404: ['NotFound', 'the server could not find the requested resource'], 405: ['MethodNotAllowed', 'the server does not allow this method on the requested resource'],
    429: ['TooManyRequests', 'the server has received too many requests and has asked us to try again later'],
    503: ['ServiceUnavailable', 'the server is currently unable to handle the request'],
  };
  const [reason, message] = known[status] ?? ['Unknown', `the server responded with the status code ${status} but did not return more information`];
  return statusError(status, reason, `${message} ( pods/log ${name})`, { name, kind: 'pods/log', causes: [{ reason: 'UnexpectedServerResponse', message: text || 'unknown' }] });
}
