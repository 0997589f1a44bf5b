import { createHash } from 'node:crypto';
import { pack, type Pack } from 'tar-stream';
import { pauseProgram, type Architecture } from './pause-program.ts';

/** The sandbox image every node has from the start; it is in no registry. */
export const PAUSE_IMAGE = 'localhost/wherry/pause:1';

/** The image as `docker save` would write it: one layer with one file, `/pause`. The same bytes every time. */
export async function pauseImageArchive(architecture: Architecture): Promise<Buffer> {
  const layer = await tarOf([{ name: 'pause', content: pauseProgram(architecture), mode: 0o755 }]);
  const config = Buffer.from(JSON.stringify({
    architecture,
    os: 'linux',
    config: { Entrypoint: ['/pause'], User: '65535:65535', WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [{ created_by: 'wherry' }],
  }));
  const configName = `${sha256(config)}.json`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configName, RepoTags: [PAUSE_IMAGE], Layers: ['layer.tar'] }]));
  return tarOf([
    { name: 'manifest.json', content: manifest, mode: 0o644 },
    { name: configName, content: config, mode: 0o644 },
    { name: 'layer.tar', content: layer, mode: 0o644 },
  ]);
}

async function tarOf(files: readonly { readonly name: string; readonly content: Buffer; readonly mode: number }[]): Promise<Buffer> {
  const tar: Pack = pack();
  for (const { name, content, mode } of files) tar.entry({ name, mode, size: content.length, mtime: new Date(0) }, content);
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
