import { cordonVerb } from '../nodes/cordon-verb.ts';

export const verb = cordonVerb(true);
