import { namespace } from './route.ts';

export const here = ({ ns }: { readonly ns?: string }): boolean => !namespace.value || !ns || ns === namespace.value;
