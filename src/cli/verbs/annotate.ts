import { metadataVerb } from '../mutation/metadata-verb.ts';

export const verb = metadataVerb({ field: 'annotations', done: 'annotated', removed: 'annotated', noun: 'annotation', summary: 'Update the annotations on a resource' });
