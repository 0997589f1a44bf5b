export * from './address-plan.ts';
export { createFabric, destroyFabric, type Fabric, type FabricOptions, type RegistryMirror } from './fabric.ts';
export { createNodeGround, findNodeNames, nodeGround, releaseNodeGround, type NodeGround, type NodeGroundOptions, type NodeName } from './node-ground.ts';
export { findRuntime, importImage, startRuntime, type Runtime, type RuntimeOptions } from './containerd.ts';
export { fullReference, ImageArchiveError, readImageArchive, type ImageArchive } from './image-archive.ts';
export { PAUSE_IMAGE, pauseImageArchive } from './pause-image.ts';
export { cgroupHierarchies, cgroupMode, cgroupProcesses, nodeCgroup, removeCgroup, type CgroupMode } from './cgroups.ts';
export { describeProcess, findProcess, isAlive, recordProcess, signalProcess, stopProcess, type ProcessRecord } from './process-record.ts';
export { CommandError, run } from './run.ts';
