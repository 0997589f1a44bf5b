/** What a reverse proxy is to do. Ingresses and gateways are both told in these terms, and one writer makes a proxy's configuration of them. */
export interface Routing {
  readonly listeners: readonly Listener[];
  /** By name. */
  readonly backends: ReadonlyMap<string, Backend>;
}

/** Ports that are served alike. */
export interface Listener {
  readonly name: string;
  readonly binds: readonly Bind[];
  /** `tls`: connections are led on by the name that their client asks for; what they carry is not looked at. */
  readonly mode: 'http' | 'tls';
  /** For binds with TLS: whoever asks for another host gets the first of these that is for all hosts, or a certificate that no client knows. */
  readonly certificates: readonly Certificate[];
  /** The first one that matches is the request's. */
  readonly rules: readonly Rule[];
  /** The backend where no rule matches. */
  readonly otherwise: string;
}

export interface Bind {
  readonly port: number;
  readonly tls: boolean;
}

export interface Certificate {
  /** `namespace/name` of the secret. */
  readonly secret: string;
  /** Certificates and key, PEM. */
  readonly pem: string;
  /** `*.example.org` is for one label. All hosts when empty. */
  readonly hosts: readonly string[];
}

export interface Rule {
  /** All of them. */
  readonly match: Match;
  /** One of them by chance, according to the weights. Never empty. */
  readonly shares: readonly Share[];
}

export interface Share {
  readonly backend: string;
  /** At least 1. */
  readonly weight: number;
}

/** Absent: whatever it is. */
export interface Match {
  readonly host?: HostMatch;
  readonly path?: PathMatch;
  readonly method?: string;
  readonly headers?: readonly ValueMatch[];
  /** Parameters of the query. */
  readonly query?: readonly ValueMatch[];
}

/** In lower case. `*.example.org`: one more label in front (ingress), or any number of them (gateway). */
export interface HostMatch {
  readonly name: string;
  readonly labels: 'one' | 'any';
}

export interface PathMatch {
  /** A prefix is one of whole elements: `/a` is for `/a` and `/a/b`, not for `/ab`. It does not end with `/`, save for the root. */
  readonly type: 'exact' | 'prefix' | 'regex';
  readonly value: string;
}

export interface ValueMatch {
  readonly name: string;
  readonly value: string;
  readonly regex: boolean;
}

export interface Place {
  readonly address: string;
  readonly port: number;
}

export type Backend = ForwardBackend | RedirectBackend | RespondBackend;

/** Leads requests on, one place after the other. */
export interface ForwardBackend {
  readonly do: 'forward';
  readonly mode: 'http' | 'tls';
  readonly places: readonly Place[];
  /** The places speak HTTP/2 without TLS. */
  readonly http2?: boolean;
  readonly requestHeaders?: HeaderChanges;
  readonly responseHeaders?: HeaderChanges;
  readonly rewrite?: { readonly hostname?: string; readonly path?: PathChange };
  /** How long the answer may be waited for; a minute without it, for ever when it is 0. */
  readonly timeoutMs?: number;
  readonly cors?: Cors;
  /** Who gets a copy of the request, in HTTP/1.1. */
  readonly mirrors?: readonly Mirror[];
}

/** What pages of other origins may do. */
export interface Cors {
  /** `https://a.example`, `https://*.example:8443`, `*` */
  readonly origins: readonly string[];
  /** `*`: whatever is asked for; so with headers. */
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  /** Of the answer, which scripts may read. */
  readonly exposed: readonly string[];
  readonly maxAgeSeconds: number;
  readonly credentials: boolean;
}

export interface Mirror {
  readonly place: Place;
  /** So many of so many requests, by chance. */
  readonly share: readonly [some: number, all: number];
}

export interface RedirectBackend {
  readonly do: 'redirect';
  readonly code: number;
  readonly scheme: 'http' | 'https';
  /** The request's own when absent. */
  readonly hostname?: string;
  /** Absent: the scheme's own. */
  readonly port?: number;
  readonly path?: PathChange;
  readonly responseHeaders?: HeaderChanges;
}

/** Answers by itself. */
export interface RespondBackend {
  readonly do: 'respond';
  readonly status: number;
  readonly text: string;
}

export interface HeaderChanges {
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
  readonly remove: readonly string[];
}

/** The whole path, or what a prefix (which does not end with `/`; empty for the root) was. The query stays. */
export type PathChange = { readonly do: 'replace'; readonly path: string } | { readonly do: 'replace prefix'; readonly prefix: string; readonly by: string };
