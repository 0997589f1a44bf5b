// What the cluster's own words mean, for who does not know them. Each is a key of korean/meanings.ts as well.

const STATUSES: Readonly<Record<string, string>> = {
  Pending: 'No node has taken it yet.',
  SchedulingGated: 'Somebody has asked that it be placed later.',
  ContainerCreating: 'Its node gets the image and makes its containers.',
  PodInitializing: 'It is prepared before its containers start.',
  CrashLoopBackOff: 'Its program keeps ending; each time the node waits longer before it starts it again.',
  ErrImagePull: 'Its image could not be fetched.',
  ImagePullBackOff: 'Its image could not be fetched; the node tries again after a while.',
  ErrImageNeverPull: 'Its image is not on the node, and is not to be fetched.',
  InvalidImageName: 'The name of its image cannot be one.',
  CreateContainerConfigError: 'Something that it refers to is missing, a config map or a secret.',
  CreateContainerError: 'Its container could not be made.',
  RunContainerError: 'Its program could not be started.',
  OOMKilled: 'It used more memory than it may, and was ended.',
  Error: 'Its program ended with a fault.',
  Evicted: 'Its node ran short of something and put it out.',
  Terminating: 'It was asked to end.',
  NotReady: 'It does not say that it is ready.',
  Completed: 'It has done its work.',
};

const CONDITIONS: Readonly<Record<string, string>> = {
  PodScheduled: 'a node has been chosen',
  PodReadyToStartContainers: 'network and volumes are there',
  Initialized: 'what prepares it is done',
  ContainersReady: 'all its containers are ready',
  Ready: 'it can be used',
  Available: 'enough pods have been ready for long enough',
  Progressing: 'the rollout gets on',
  ReplicaFailure: 'pods could not be made',
  MemoryPressure: 'memory runs short',
  DiskPressure: 'disk runs short',
  PIDPressure: 'room for processes runs short',
  NetworkUnavailable: 'the network is not set up',
  Complete: 'the work is done',
  SuccessCriteriaMet: 'what counts as success has been reached',
  Failed: 'it has failed, and is not tried again',
  FailureTarget: 'it is being given up',
  Suspended: 'it rests until somebody takes it up',
  AbleToScale: 'it can change the number of pods',
  ScalingActive: 'it can measure and counts from that',
  ScalingLimited: 'it would like more or fewer than it may',
  DisruptionAllowed: 'a pod may go without harm',
  DisruptionTarget: 'it is being moved out of the way',
  Established: 'the API serves it',
  NamesAccepted: 'its names are free',
};

/** A pod's status in a sentence; undefined where there is nothing to explain. */
export function statusWords(status: string): string | undefined {
  const plain = status.replace(/^Init:/, '');
  if (/^\d+\/\d+$/.test(plain)) return 'It is prepared before its containers start.';
  return Object.hasOwn(STATUSES, plain) ? STATUSES[plain] : undefined;
}

/** What it means that a condition is true. */
export function conditionWords(type: string): string | undefined {
  return Object.hasOwn(CONDITIONS, type) ? CONDITIONS[type] : undefined;
}
