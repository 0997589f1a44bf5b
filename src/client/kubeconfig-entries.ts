/** How a user of a kubeconfig gets its credentials by a program, as those of most clouds do. Upstream: client-go tools/clientcmd/api/v1, ExecConfig. */
export interface ExecConfig {
  readonly apiVersion?: string;
  readonly command: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  /** Whether the program may ask the person: Never, IfAvailable, Always. */
  readonly interactiveMode?: string;
}

export interface Named {
  readonly name: string;
}

export interface KubeconfigCluster {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}

export interface KubeconfigUser {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  /** Whom requests are made as, by who may. */
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[] | null;
  readonly 'as-user-extra'?: Readonly<Record<string, readonly string[]>> | null;
  readonly exec?: ExecConfig | null;
  readonly 'auth-provider'?: { readonly name: string; readonly config?: Readonly<Record<string, string>> | null } | null;
}

export interface KubeconfigContext {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** A kubeconfig as it is written. Upstream: client-go tools/clientcmd/api/v1. */
export interface Kubeconfig {
  readonly 'current-context'?: string;
  readonly clusters?: readonly (Named & { readonly cluster: KubeconfigCluster })[] | null;
  readonly users?: readonly (Named & { readonly user: KubeconfigUser })[] | null;
  readonly contexts?: readonly (Named & { readonly context: KubeconfigContext })[] | null;
}
