import { expect, test } from 'vitest';
import { plainFault } from './plain-fault.ts';

test.each([
  ['rpc error: code = Unknown desc = failed to pull and unpack image "docker.io/a:9": failed to resolve reference "docker.io/a:9": docker.io/a:9: not found', 'docker.io/a:9: not found'],
  ['rpc error: code = Unknown desc = failed to pull and unpack image "x": failed to resolve reference "x": failed to do request: Head "https://r/v2/x": dial tcp: lookup r on [::1]:53: read udp [::1]:48230->[::1]:53: read: connection refused', 'Head "https://r/v2/x": dial tcp: lookup r on [::1]:53: [::1]:53: read: connection refused'],
  ['rpc error: code = Unknown desc = failed to create containerd task: failed to create shim task: OCI runtime create failed: executable file `/nothing` not found in $PATH: No such file or directory: unknown', 'executable file `/nothing` not found in $PATH: No such file or directory'],
  ['configmap "settings" not found', 'configmap "settings" not found'],
])('%s', (message, plain) => expect(plainFault(message)).toBe(plain));
