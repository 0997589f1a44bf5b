import { StatusError } from '../../api/errors.ts';
import type { KubeObject } from '../../api/object.ts';
import { editText } from './editor.ts';
import { statusText } from '../command/status-text.ts';
import { parseDocuments } from './manifest.ts';
import { withoutManagedFields } from '../printers/object-printer.ts';
import { toYaml } from '../printers/yaml.ts';
import { sortKeys } from '../printers/sort-keys.ts';
import type { Call } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

const HEADER = `# Please edit the object below. Lines beginning with a '#' will be ignored,
# and an empty file will abort the edit. If an error occurs while saving this file will be
# reopened with the relevant failures.
#
`;

export interface EditOptions {
  readonly json: boolean;
  /** Writes one changed object: the object as it was, and as it came back. Throws StatusError where the server refuses: the editor opens again. */
  save(before: KubeObject, after: KubeObject): Promise<void>;
  unchanged(): void;
}

/** The edit would make another object: that is none to be tried again. */
class RenamedError extends KubectlError {}

/** Shows the objects in an editor until what comes back is saved or nothing changed. Upstream: kubectl pkg/cmd/util/editor. */
export async function editObjects(call: Call, objects: readonly KubeObject[], { json, save, unchanged }: EditOptions): Promise<number> {
  const { io } = call;
  const shown: unknown = withoutManagedFields(objects.length === 1 ? objects[0] : { apiVersion: 'v1', kind: 'List', metadata: {}, items: objects });
  const original = json ? `${JSON.stringify(sortKeys(shown), null, 4)}\n` : toYaml(shown);
  let body = original;
  let reasons = '';
  for (;;) {
    const offered = (json ? '' : HEADER.replace(/#\n$/, `#\n${reasons}`)) + body;
    const edited = await editText(offered, json ? '.json' : '.yaml', io);
    const content = withoutComments(edited.text);
    if (reasons && edited.text === offered) {
      io.err(`A copy of your changes has been stored to "${edited.file}"\n`);
      throw new KubectlError('Edit cancelled, no valid changes were saved.');
    }
    if (content === original || content.trim() === '') {
      edited.discard();
      if (content.trim() === '') io.err('Edit cancelled, saved file was empty.\n');
      else unchanged();
      return 0;
    }
    try {
      const changed = parseEdited(content);
      for (const before of objects) {
        const after = changed.find((one) => one.metadata?.name === before.metadata.name && one.kind === before.kind);
        if (!after) throw new RenamedError('At least one of apiVersion, kind and name was changed');
        await save(before, after);
      }
      edited.discard();
      return 0;
    } catch (error) {
      if (error instanceof RenamedError) {
        io.err(`A copy of your changes has been stored to "${edited.file}"\n`);
        throw error;
      }
      edited.discard();
      const text = error instanceof StatusError ? statusText(error) : error instanceof KubectlError ? error.message : undefined;
      if (text === undefined) throw error;
      // What the server refuses is told in the file, what cannot be read here as well.
      if (!(error instanceof StatusError)) io.err(`error: ${text.replace(/^error: /, '')}\n`);
      reasons = `${text.split('\n').map((line) => `# ${line}`).join('\n')}\n#\n`;
      body = content;
    }
  }
}

function withoutComments(text: string): string {
  return text.split('\n').filter((line) => !line.startsWith('#')).join('\n');
}

function parseEdited(text: string): KubeObject[] {
  return parseDocuments('edited', text).flatMap((value) => {
    const object = value as KubeObject & { readonly items?: readonly KubeObject[] };
    return object.kind === 'List' ? [...(object.items ?? [])] : [object];
  });
}
