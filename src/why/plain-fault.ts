/**
 * The part of a fault's message that says something: what the layers of runtime and registry put before it is left out, each of which repeats what it was about.
 * `rpc error: code = Unknown desc = failed to pull and unpack image "a": failed to resolve reference "a": a: not found` becomes `a: not found`.
 */
export function plainFault(message: string): string {
  return message
    .replace(/^rpc error: code = \w+ desc = /, '')
    .replace(/^(?:failed to (?:pull and unpack image|resolve reference|do request|copy|create containerd (?:task|container)|create shim task|start container)(?: "[^"]*")?: )+/, '')
    .replace(/^OCI runtime create failed: /, '')
    .replace(/: unknown$/, '')
    .replace(/read \w+ \S+->(\S+): /g, '$1: ');
}
