// Requests to the cluster's API, through our own server.
export class ApiError extends Error {
  readonly code: number;
  readonly causes: readonly string[];

  constructor(code: number, message: string, causes: readonly string[] = []) {
    super(message);
    this.code = code;
    this.causes = causes;
  }
}

export interface Obj {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly generation?: number;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: unknown;
    readonly ownerReferences?: readonly {
      readonly apiVersion: string;
      readonly kind: string;
      readonly name: string;
      readonly uid: string;
      readonly controller?: boolean;
    }[];
  };
  /** Of config maps. */
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: any;
  readonly status?: any;
}

interface RequestOptions {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  readonly onWarning?: (text: string) => void;
}

export async function request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  return await retrying(method, options.signal, () => requestOnce(method, path, options));
}

export async function call<T = Obj>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
  return await retrying(method, options.signal, async () => (await (await requestOnce(method, path, options)).json()) as T);
}

async function requestOnce(
  method: string,
  path: string,
  { body, type = 'application/json', accept = 'application/json', signal, onWarning }: RequestOptions,
): Promise<Response> {
  const response = await fetch(path, {
    method,
    headers: { accept, ...(body !== undefined && { 'content-type': type }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const warning = response.headers.get('warning');
  if (warning) for (const [, text] of warning.matchAll(/299 \S+ "((?:[^"\\]|\\.)*)"/g)) onWarning?.(text!.replaceAll('\\"', '"'));
  if (!response.ok) throw await faultOf(response);
  return response;
}

/** Pauses before another try, milliseconds. */
const AGAIN_MS = [150, 700];

/**
 * Browsers break off what is under way when an interface of the machine comes or goes, as they do where clusters are at work (ERR_NETWORK_CHANGED). Reading is tried again; whether
 * something was written nobody can tell.
 */
async function retrying<T>(method: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  for (const pause of AGAIN_MS) {
    try {
      return await work();
    } catch (error) {
      if (method !== 'GET' || !isBrokenOff(error) || signal?.aborted) throw error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, pause);
    });
  }
  return await work();
}

/** Nobody answered, or not to the end. */
export function isBrokenOff(error: unknown): boolean {
  return error instanceof TypeError;
}

async function faultOf(response: Response): Promise<ApiError> {
  const text = await response.text();
  try {
    const status = JSON.parse(text) as { message?: string; details?: { causes?: { field?: string; message?: string }[] } };
    return new ApiError(
      response.status,
      status.message ?? response.statusText,
      (status.details?.causes ?? []).map(({ field, message }) => [field, message].filter(Boolean).join(': ')),
    );
  } catch {
    return new ApiError(response.status, text.trim() || `the server answered ${response.status}`);
  }
}

const GROUPS: Readonly<Record<string, string>> = {
  deployments: 'apis/apps/v1',
  replicasets: 'apis/apps/v1',
  statefulsets: 'apis/apps/v1',
  daemonsets: 'apis/apps/v1',
  jobs: 'apis/batch/v1',
  cronjobs: 'apis/batch/v1',
  endpointslices: 'apis/discovery.k8s.io/v1',
};
const PLURALS: Readonly<Record<string, string>> = {
  Ingress: 'ingresses',
  NetworkPolicy: 'networkpolicies',
  HorizontalPodAutoscaler: 'horizontalpodautoscalers',
  EndpointSlice: 'endpointslices',
};
/** The kinds that events of the built-in controllers are about. */
const LINKED = new Set([
  'Pod',
  'Node',
  'Namespace',
  'Service',
  'Deployment',
  'ReplicaSet',
  'StatefulSet',
  'DaemonSet',
  'Job',
  'CronJob',
  'PersistentVolumeClaim',
]);

/** The path of an object of a followed table. */
export function pathOf(resource: string, { ns, name }: { readonly ns?: string; readonly name: string }): string {
  return `/${GROUPS[resource] ?? 'api/v1'}/${ns ? `namespaces/${ns}/` : ''}${resource}/${name}`;
}

/** The path of an object named by its kind; undefined where we cannot tell. */
export function pathOfKind(kind: string, at: { readonly ns?: string; readonly name: string }): string | undefined {
  if (!LINKED.has(kind)) return undefined;
  return pathOf(PLURALS[kind] ?? `${kind.toLowerCase()}s`, at);
}

/** `/apis/apps/v1/namespaces/default/deployments/kubia` taken apart. */
export function parsePath(path: string): {
  readonly group: string;
  readonly resource: string;
  readonly ns?: string;
  readonly name: string;
} {
  const parts = path.split('/').slice(1);
  const group = parts[0] === 'api' ? '' : parts[1]!;
  const rest = parts.slice(parts[0] === 'api' ? 2 : 3);
  return rest.length >= 4 && rest[0] === 'namespaces'
    ? { group, ns: rest[1]!, resource: rest[2]!, name: rest[3]! }
    : { group, resource: rest[0] ?? '', name: rest[1] ?? '' };
}
