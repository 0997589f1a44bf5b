/** The API server: what other floors may use of it. */
export type { ApiServer, ApiServerOptions, KeyPair } from './api-server.ts';
export { startApiServer } from './start-api-server.ts';
export { readServerConfiguration, type ServerConfiguration } from './configuration/server-configuration.ts';
