import http from 'node:http';
import type { Plugin } from 'esbuild';

/** Where Node keeps what it hands on as `node:http`. */
const HOMES = {
  _http_agent: ['Agent', 'globalAgent'],
  _http_client: ['ClientRequest'],
  _http_incoming: ['IncomingMessage'],
  _http_outgoing: ['OutgoingMessage', 'validateHeaderName', 'validateHeaderValue'],
  _http_server: ['STATUS_CODES', 'Server', 'ServerResponse'],
};

/** As Node's own lib/http.js has them. */
const FUNCTIONS = {
  createServer: '(options, listener) => new exports.Server(options, listener)',
  request: '(url, options, callback) => new exports.ClientRequest(url, options, callback)',
  get: '(url, options, callback) => { const request = exports.request(url, options, callback); request.end(); return request; }',
};

/**
 * Serves `node:http` to a bundle piece by piece. The module as a whole also exports a WebSocket, for the sake of which Node reads all of undici as soon as anybody imports it: that is 20 ms
 * of each process. What is not known to be elsewhere comes from the whole module, when it is first asked for;
 * the pieces are Node's to change, so where one is missing the whole module serves.
 */
export const leanHttp: Plugin = {
  name: 'lean-http',
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^(node:)?http$/ }, () => ({ path: 'http', namespace: 'lean-http' }));
    onLoad({ filter: /.*/, namespace: 'lean-http' }, () => ({ contents: source(), loader: 'js' }));
  },
};

function source(): string {
  const homeOf = new Map(Object.entries(HOMES).flatMap(([home, names]) => names.map((name) => [name, home])));
  const getters = Object.keys(http).map((name) => {
    if (name in FUNCTIONS) return `exports.${name} = ${FUNCTIONS[name as keyof typeof FUNCTIONS]};`;
    const home = homeOf.get(name);
    const found = home ? `(builtin('${home}') ?? builtin('node:http')).${name}` : `builtin('node:http').${name}`;
    return `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => ${found} });`;
  });
  return `const builtin = (name) => process.getBuiltinModule(name);\n${getters.join('\n')}`;
}
