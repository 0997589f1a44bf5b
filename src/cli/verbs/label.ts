import { metadataVerb } from '../mutation/metadata-verb.ts';

export const verb = metadataVerb({ field: 'labels', done: 'labeled', removed: 'unlabeled', noun: 'label', summary: 'Update the labels on a resource' });
