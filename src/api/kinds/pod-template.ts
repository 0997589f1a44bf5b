/** Upstream: pkg/registry/core/podtemplate/strategy.go. */
import type { KindDefinition } from '../kind.ts';
import type { PodTemplate } from '../generated/core-v1.ts';
import { podTemplates } from '../generated/resources.ts';
import { defaultPodTemplate } from '../pod/pod-spec-defaults.ts';
import { formatLabels } from '../selector.ts';
import { podTemplateErrors } from '../validation/pod/pod-template.ts';
import { isSame } from '../validation/same.ts';
import { mapMember } from './fill.ts';
import { containerColumns, nameColumn, text } from './table-columns.ts';
import { templateWarnings } from './workload-warnings.ts';

export const podTemplate: KindDefinition<PodTemplate> = {
  returnsDeleted: true,
  resource: podTemplates,
  defaults: (object) => mapMember(object, 'template', defaultPodTemplate),
  prepareForCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
  prepareForUpdate(next, previous) {
    const before = previous.metadata.generation ?? 0;
    return { ...next, metadata: { ...next.metadata, generation: isSame(next.template, previous.template) ? before : before + 1 } };
  },
  validate: (object) => [...podTemplateErrors('template', object.template ?? {})],
  warnings: (object, previous) => templateWarnings(object, object.template, previous, 'template', false),
  generation: false,
  columns: [
    nameColumn,
    ...containerColumns<PodTemplate>((object) => object.template).map((column) => ({ ...column, priority: 0 })),
    text('Pod Labels', 'The labels for the pod template.', (object) => formatLabels(object.template?.metadata?.labels)),
  ],
};
