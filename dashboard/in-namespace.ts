import { namespace } from './route.ts';

/** A command as it has to be typed for the namespace that is shown. */
export const inNamespace = (command: string): string => (namespace.value && namespace.value !== 'default' ? command.replace(/^kubectl/, `kubectl -n ${namespace.value}`) : command);
