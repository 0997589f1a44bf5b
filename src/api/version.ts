/** The Kubernetes that we are, as `/version`, nodes and clients show it. */
export const KUBERNETES_VERSION = 'v1.36.0';
/** The release of wherry, as in package.json. */
export const WHERRY_VERSION = '0.1.0';
