import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, relative, resolve } from 'node:path';
import { KubectlError } from '../command/kubectl-error.ts';

const NAMES = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

/**
 * Reads the files of one kustomization: they lie in its folder or below, so that a kustomization from elsewhere reads nothing of the machine's own.
 * Folders of bases may lie anywhere, but not above on the way here: that would be a circle.
 */
export class FileLoader {
  readonly root: string;
  readonly #way: readonly string[];
  readonly #anywhere: boolean;

  private constructor(root: string, way: readonly string[], anywhere: boolean) {
    this.root = root;
    this.#way = way;
    this.#anywhere = anywhere;
  }

  /** `anywhere`: files may lie outside of the folder, too. */
  static open(folder: string, anywhere = false): FileLoader {
    return new FileLoader(realFolder(folder, process.cwd()), [], anywhere);
  }

  /** The loader of another folder. Throws KubectlError where there is none. */
  folder(path: string): FileLoader {
    if (isRemote(path)) throw new KubectlError(`${path} is remote: this kubectl builds from local folders only; clone or download it and name the folder`);
    const root = realFolder(path, this.root);
    const way = [...this.#way, this.root];
    const circle = way.find((above) => above === root || above.startsWith(`${root}/`));
    if (circle !== undefined) throw new KubectlError(`cycle detected: candidate root '${root}' ${circle === root ? 'is visited already' : `contains visited root '${circle}'`}`);
    return new FileLoader(root, way, this.#anywhere);
  }

  bytes(path: string): Buffer {
    if (isRemote(path)) throw new KubectlError(`${path} is remote: this kubectl builds from local files only; download it and name the file`);
    const file = resolve(this.root, path);
    let real;
    try {
      real = realpathSync(file);
      if (statSync(real).isDirectory()) throw new KubectlError(`'${file}' must resolve to a file`);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && (error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
      throw new KubectlError(`evalsymlink failure on '${file}' : lstat ${missingPart(file)}: no such file or directory`);
    }
    const below = relative(this.root, real);
    if (!this.#anywhere && (below.startsWith('..') || isAbsolute(below))) throw new KubectlError(`security; file '${real}' is not in or below '${this.root}'`);
    return readFileSync(real);
  }

  text(path: string): string {
    return this.bytes(path).toString('utf8');
  }

  isFolder(path: string): boolean {
    return statSync(resolve(this.root, path), { throwIfNoEntry: false })?.isDirectory() === true;
  }

  /** The kustomization file. Throws KubectlError where there is none or more than one. */
  kustomizationFile(): string {
    const found = NAMES.filter((name) => statSync(resolve(this.root, name), { throwIfNoEntry: false })?.isFile());
    if (found.length === 0) throw new KubectlError(`unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '${this.root}'`);
    if (found.length > 1) throw new KubectlError(`Found multiple kustomization files under: ${this.root}\n`);
    return found[0]!;
  }
}

/** Git repositories and addresses. */
export function isRemote(path: string): boolean {
  return /^(?:[a-z+]+:\/\/|git@|github\.com[/:]|[^/]+\.git(?:$|\/|\?))/.test(path) || path.includes('?ref=');
}

function realFolder(path: string, from: string): string {
  const wanted = resolve(from, path);
  try {
    const real = realpathSync(wanted);
    if (!statSync(real).isDirectory()) throw new KubectlError(`'${path}' must be a directory so that it can used as a build root`);
    return real;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new KubectlError(`must build at directory: not a valid directory: evalsymlink failure on '${path}' : lstat ${missingPart(wanted)}: no such file or directory`);
  }
}

/** The first part of the way that is not there. */
function missingPart(path: string): string {
  const above = dirname(path);
  return above === path || statSync(above, { throwIfNoEntry: false }) ? path : missingPart(above);
}
