import type { OpenApi, PublishedDocument } from '../openapi/open-api.ts';
import type { OpenApiDocuments } from './non-resource-requests.ts';
import type { Exchange } from './send.ts';

/** Answers `/openapi/v2`, `/openapi/v3` and the documents under it. Upstream: kube-openapi pkg/handler, handler3. */
export function openApiRequests(openApi: OpenApi): OpenApiDocuments {
  return {
    async answer(exchange, path, query) {
      if (path === '/openapi/v2') return send(exchange, await (wantsProtobuf(exchange) ? openApi.v2Protobuf() : openApi.v2()), {});
      if (path === '/openapi/v3' || path === '/openapi/v3/') return send(exchange, await openApi.index(), {});
      if (!path.startsWith('/openapi/v3/')) return false;
      const document = await openApi.group(path.slice('/openapi/v3/'.length));
      if (!document) return false;
      const asked = query.get('hash');
      if (!asked) return send(exchange, document, {});
      if (asked.replaceAll('"', '') !== document.hash) {
        exchange.response.writeHead(301, { Location: `${path}?hash=${document.hash}` }).end();
        return true;
      }
      // The address names the content: it may be kept for good.
      return send(exchange, document, { 'Cache-Control': 'public, immutable', Expires: new Date(Date.parse('2038-01-19T00:00:00Z')).toUTCString() });
    },
  };
}

/** Go clients ask for v2 as protobuf and nothing else. */
const wantsProtobuf = ({ request }: Exchange): boolean => String(request.headers.accept ?? '').includes('application/com.github.proto-openapi.spec.v2');

function send({ request, response }: Exchange, document: PublishedDocument, headers: Readonly<Record<string, string>>): true {
  const fixed = { Vary: 'Accept, Accept-Encoding', ETag: document.etag, 'Cache-Control': 'no-cache, private', ...headers };
  if (request.headers['if-none-match'] === document.etag) {
    response.writeHead(304, fixed).end();
    return true;
  }
  const compressed = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = compressed ? document.gzip : document.bytes;
  response.writeHead(200, { ...fixed, 'Content-Type': document.contentType, 'Content-Length': body.length, ...(compressed && { 'Content-Encoding': 'gzip' }) });
  response.end(request.method === 'HEAD' ? undefined : body);
  return true;
}
