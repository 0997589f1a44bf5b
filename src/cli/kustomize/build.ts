import { parseDocuments, type ManifestObject } from '../manifests/manifest.ts';
import type { KubectlIo } from '../command/kubectl-io.ts';
import { KubectlError } from '../command/kubectl-error.ts';
import { contentHash } from './content-hash.ts';
import { FileLoader, isRemote } from './file-loader.ts';
import { setAnnotations, setImage, setLabels, setReplicas } from './field-transformers.ts';
import { generate } from './generated-data.ts';
import { inflateChart, NO_HELM, type HelmOptions } from './helm-chart.ts';
import { readKustomization, type Kustomization } from './kustomization.ts';
import { sortResources } from './legacy-order.ts';
import { fixNameReferences } from './name-references.ts';
import { addPrefix, addSuffix, setNamespace } from './name-transformers.ts';
import { applyPatchEntry } from './patching.ts';
import { applyReplacements } from './replacing.ts';
import { ResourceList } from './resource-list.ts';
import { isTree, Resource } from './resource.ts';

export interface BuildOptions {
  readonly helm?: HelmOptions;
  /** Files may be read from outside of the kustomization's folder. */
  readonly anywhere?: boolean;
}

/**
 * The objects that a kustomization folder describes, in kustomize's order. Warnings about fields out of date go to `io.err`; what is not supported is
 * refused by name with KubectlError. Upstream: kustomize api/internal/target/kusttarget.go.
 */
export function buildKustomization(folder: string, io: Pick<KubectlIo, 'err'>, options: BuildOptions = {}): ManifestObject[] {
  if (isRemote(folder)) throw new KubectlError(`${folder} is remote: this kubectl builds from local folders only; clone it and name the folder`);
  const loader = FileLoader.open(folder, options.anywhere);
  const layer = new Layer(loader, io, options);
  const list = new ResourceList();
  layer.accumulate(list);
  for (const resource of list.items) {
    if (!resource.needsHash) continue;
    resource.rememberId();
    resource.metadata['name'] = `${resource.id.name}-${contentHash(resource.object)}`;
  }
  fixNameReferences(list.items);
  // What is meant for tools only is no part of what is applied.
  list.drop((resource) => ['', 'true'].includes(resource.strings('annotations')['config.kubernetes.io/local-config'] ?? 'false'));
  sortResources(list, layer.kustomization.sortOptions);
  return list.items.map(({ object }) => object as ManifestObject);
}

/** One kustomization file and what it does to the resources that it names. */
class Layer {
  readonly kustomization: Kustomization;
  readonly #loader: FileLoader;
  readonly #io: Pick<KubectlIo, 'err'>;
  readonly #options: BuildOptions;

  constructor(loader: FileLoader, io: Pick<KubectlIo, 'err'>, options: BuildOptions) {
    this.#loader = loader;
    this.#io = io;
    this.#options = options;
    const file = loader.kustomizationFile();
    const [value, ...more] = parseDocuments(file, loader.text(file));
    if (more.length > 0) throw new KubectlError(`invalid Kustomization: ${loader.root}/${file} has more than one document`);
    this.kustomization = readKustomization(value, `${loader.root}/${file}`, (text) => io.err(text));
  }

  /** Adds the layer's resources to `list`, and changes all that is in it then: of a component those of the layer that it is part of, too. */
  accumulate(list: ResourceList): void {
    const { kustomization, } = this;
    for (const path of kustomization.resources) this.#addResource(list, path);
    for (const generator of kustomization.configMapGenerator) list.absorb(generate('ConfigMap', generator, kustomization.generatorOptions, this.#loader));
    for (const generator of kustomization.secretGenerator) list.absorb(generate('Secret', generator, kustomization.generatorOptions, this.#loader));
    for (const chart of kustomization.helmCharts) {
      const text = inflateChart(chart, kustomization.helmGlobals ?? {}, this.#loader, this.#options.helm ?? NO_HELM);
      list.addAll(this.#objectsIn(chart.name ?? '', text).map((object) => new Resource(object)));
    }
    for (const path of kustomization.components) {
      const component = new Layer(this.#loader.folder(path), this.#io, this.#options);
      if (component.kustomization.kind !== 'Component') throw new KubectlError(`accumulating components: accumulateDirectory: "expected kind 'Component' for path '${component.#loader.root}' but got '${component.kustomization.kind}'"`);
      component.accumulate(list);
    }
    this.#transform(list);
  }

  #addResource(list: ResourceList, path: string): void {
    if (isRemote(path)) throw new KubectlError(`accumulating resources: ${path} is remote: this kubectl builds from local files and folders only; download it and name the file`);
    if (this.#loader.isFolder(path)) {
      const layer = new Layer(this.#loader.folder(path), this.#io, this.#options);
      if (layer.kustomization.kind === 'Component') throw new KubectlError(`accumulating resources: expected kind != 'Component' for path '${layer.#loader.root}'`);
      const below = new ResourceList();
      layer.accumulate(below);
      list.addAll(below.items);
      return;
    }
    list.addAll(this.#objectsOf(path).map((object) => new Resource(object)));
  }

  #objectsOf(path: string): Record<string, unknown>[] {
    const fault = (text: string): KubectlError => new KubectlError(`accumulating resources: accumulating resources from '${path}': ${text}`);
    try {
      return this.#objectsIn(path, this.#loader.text(path));
    } catch (error) {
      if (!(error instanceof KubectlError)) throw error;
      throw fault(error.message);
    }
  }

  #objectsIn(path: string, text: string): Record<string, unknown>[] {
    return parseDocuments(path, text).flatMap((document): Record<string, unknown>[] => {
      if (!isTree(document)) throw new KubectlError('a document is no object');
      if (typeof document['kind'] === 'string' && document['kind'].endsWith('List') && Array.isArray(document['items'])) return document['items'] as Record<string, unknown>[];
      if (!document['kind']) throw new KubectlError('missing Resource kind: Object \'Kind\' is missing');
      if (!isTree(document['metadata']) || !document['metadata']['name']) throw new KubectlError('missing metadata.name in object');
      return [document];
    });
  }

  #transform(list: ResourceList): void {
    const { kustomization } = this;
    for (const patch of kustomization.patchesStrategicMerge) applyPatchEntry(list, /[\n:]/.test(patch) && !this.#isFile(patch) ? { patch } : { path: patch }, this.#loader);
    for (const patch of kustomization.patches) applyPatchEntry(list, patch, this.#loader);
    if (kustomization.namespace) setNamespace(list.items, kustomization.namespace);
    if (kustomization.namePrefix) addPrefix(list.items, kustomization.namePrefix);
    if (kustomization.nameSuffix) addSuffix(list.items, kustomization.nameSuffix);
    setLabels(list.items, kustomization);
    if (kustomization.commonAnnotations) setAnnotations(list.items, kustomization.commonAnnotations);
    for (const patch of kustomization.patchesJson6902) applyPatchEntry(list, patch, this.#loader);
    for (const replica of kustomization.replicas) setReplicas(list.items, replica);
    for (const image of kustomization.images) setImage(list.items, image);
    applyReplacements(list.items, kustomization.replacements, this.#loader);
  }

  #isFile(path: string): boolean {
    return !path.includes('\n') && !this.#loader.isFolder(path) && /\.(ya?ml|json)$/.test(path);
  }
}
