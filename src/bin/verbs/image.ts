import { UserError } from '../../base/user-error.ts';
import { groundOf } from '../../cluster/launch.ts';
import { findRuntime, ImageArchiveError, importImage } from '../../machine/index.ts';
import { clusterOptions, type Command } from '../command.ts';
import { Progress } from '../progress.ts';
import { profileOf, systemClock } from '../tools.ts';

export const command: Command = {
  usage: 'image load FILE [--profile NAME]',
  summary: 'Loads an image archive (as docker save writes it, or an OCI archive) into every node: pods use it without a registry.',
  options: clusterOptions,
  positionals: ['load', 'FILE'],
  async run(values, [verb, file], io) {
    if (verb !== 'load') throw new UserError(`"image ${verb}" is not a verb of wherry`, 'wherry image load FILE');
    const profile = profileOf(values);
    const config = profile.mustRead();
    if (config.runtime === 'simulated') throw new UserError('simulated nodes run no images', 'with real containers: wherry start --profile NAME --runtime containerd');
    const progress = new Progress(io, systemClock);
    let loaded: readonly string[] = [];
    await Promise.all(config.nodes.map((node) => progress.step(node.name, async () => {
      const ground = groundOf(profile, config, node);
      if (!findRuntime(ground, { clock: systemClock })) throw new UserError(`the node ${node.name} does not run`, 'wherry start');
      try {
        loaded = await importImage(ground, file!);
      } catch (error) {
        if (error instanceof ImageArchiveError) throw new UserError(error.message, 'docker save IMAGE -o FILE writes an archive that can be loaded');
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new UserError(`there is no file ${file}`);
        throw error;
      }
    })));
    for (const image of loaded) io.out(`${image}\n`);
  },
};
