import type { EndpointSlice } from '../../api/generated/discovery-v1.ts';
import type { ObjectList } from '../../api/object.ts';
import type { Session } from '../command/session.ts';

export async function slicesOf(session: Session, namespace: string, service: string): Promise<readonly EndpointSlice[]> {
  return (await session.json<ObjectList<EndpointSlice>>(`/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`, { query: { labelSelector: `kubernetes.io/service-name=${service}` } })).items;
}

/** The ready addresses behind a port's name, three at most. Upstream: describe.go, formatEndpointSlices. */
export function sliceAddresses(slices: readonly EndpointSlice[], portName: string): string {
  if (slices.length === 0) return '<none>';
  const shown: string[] = [];
  let count = 0;
  let more = false;
  const add = (address: string): void => {
    if (!more) shown.push(address);
    count++;
  };
  for (const { ports = [], endpoints = [] } of slices) {
    for (const port of ports.length > 0 ? ports.filter(({ name }) => (name ?? '') === portName) : [undefined]) {
      for (const { addresses, conditions } of endpoints) {
        if (shown.length === 3) more = true;
        if (conditions?.ready === false) continue;
        const address = addresses[0]!;
        add(port === undefined ? address : `${address.includes(':') ? `[${address}]` : address}:${port.port}`);
      }
    }
  }
  return more ? `${shown.join(',')} + ${count - 3} more...` : shown.join(',');
}
