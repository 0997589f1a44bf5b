import { cordonVerb } from '../cordon-verb.ts';

export const verb = cordonVerb(false);
