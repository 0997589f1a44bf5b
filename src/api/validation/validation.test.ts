import { describe, expect, test } from 'vitest';
import { kindDefinition } from '../kinds/registry.ts';
import type { KubeObject } from '../object.ts';

const now = '2026-01-01T00:00:00Z';

function prepared(resource: string, object: object): { readonly definition: NonNullable<ReturnType<typeof kindDefinition>>; readonly object: KubeObject } {
  const [group = '', version = '', plural = ''] = resource.split('/').length === 2 ? ['', ...resource.split('/')] : resource.split('/');
  const definition = kindDefinition(group, version, plural)!;
  const { metadata = {}, ...rest } = object as { readonly metadata?: object };
  const meta = { name: 'kubia', uid: 'u', resourceVersion: '1', creationTimestamp: now, ...(definition.resource.namespaced && { namespace: 'default' }), ...metadata };
  const whole = { apiVersion: 'v1', kind: definition.resource.kind, ...rest, metadata: meta } as unknown as KubeObject;
  return { definition, object: definition.defaults?.(whole) ?? whole };
}

/** What is wrong with an object at its creation: `field: message`. */
function faults(resource: string, given: object): readonly string[] {
  const { definition, object } = prepared(resource, given);
  const made = definition.prepareForCreate?.(object, { nowMs: 0, user: { name: 'u', groups: [] } }) ?? object;
  return [...(definition.validate?.(made) ?? []), ...(definition.validateCreate?.(made) ?? [])].map((error) => `${error.field}: ${error.message}`);
}

function updateFaults(resource: string, before: object, after: object): readonly string[] {
  const { definition, object: previous } = prepared(resource, before);
  const { object: next } = prepared(resource, after);
  const made = definition.prepareForUpdate?.(next, previous, { nowMs: 0, user: { name: 'u', groups: [] } }) ?? next;
  return [...(definition.validate?.(made) ?? []), ...(definition.validateUpdate?.(made, previous) ?? [])].map((error) => `${error.field}: ${error.message}`);
}

const label = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character "
  + "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const app = { name: 'app', image: 'kubia:1' };
const pod = (spec: object): object => ({ spec: { containers: [app], ...spec } });
const container = (fields: object): object => pod({ containers: [{ ...app, ...fields }] });

describe('pods', () => {
  test('a plain pod is right', () => expect(faults('v1/pods', pod({}))).toEqual([]));

  test.each<[string, object, readonly string[]]>([
    ['no containers', pod({ containers: [] }), ['spec.containers: Required value']],
    ['no image', pod({ containers: [{ name: 'app' }] }), ['spec.containers[0].image: Required value']],
    ['a bad name', container({ name: 'App_1' }), [`spec.containers[0].name: Invalid value: "App_1": ${label}`]],
    ['a repeated name', pod({ containers: [app, app] }), ['spec.containers[1].name: Duplicate value: "app"']],
    ['a padded image', container({ image: ' kubia' }), ['spec.containers[0].image: Invalid value: " kubia": must not have leading or trailing whitespace']],
    ['an unknown pull policy', container({ imagePullPolicy: 'Sometimes' }), [
      'spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", "IfNotPresent", "Never"',
    ]],
    ['a port out of range', container({ ports: [{ containerPort: 70000 }] }), ['spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive']],
    ['a missing port', container({ ports: [{ name: 'http' }] }), ['spec.containers[0].ports[0].containerPort: Required value']],
    ['a host port twice', pod({ containers: [{ ...app, ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 80 }] }] }), [
      'spec.containers[0].ports[1].hostPort: Duplicate value: "TCP/0.0.0.0/80"',
    ]],
    ['a variable without a name', container({ env: [{ value: 'x' }] }), ['spec.containers[0].env[0].name: Required value']],
    ['a variable from nowhere', container({ env: [{ name: 'A', valueFrom: {} }] }), [
      'spec.containers[0].env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
    ]],
    ['a variable from an unknown field', container({ env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'spec.color' } } }] }), [
      'spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: "spec.color": error converting fieldPath: field label not supported: spec.color',
    ]],
    ['a request above its limit', container({ resources: { requests: { cpu: '2' }, limits: { cpu: '1' } } }), [
      'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ]],
    ['a negative amount', container({ resources: { requests: { memory: '-1' } } }), ['spec.containers[0].resources.requests[memory]: Invalid value: "-1": must be greater than or equal to 0']],
    ['an unknown resource', container({ resources: { requests: { apples: '1' } } }), ['spec.containers[0].resources.requests[apples]: Invalid value: "apples": must be a standard resource type or fully qualified', 'spec.containers[0].resources.requests[apples]: Invalid value: "apples": must be a standard resource for containers']],
    ['a device without a limit', container({ resources: { requests: { 'example.com/gpu': '1' } } }), [
      'spec.containers[0].resources.limits: Required value: Limit must be set for non overcommitable resources',
    ]],
    ['a mount of no volume', container({ volumeMounts: [{ name: 'data', mountPath: '/data' }] }), ['spec.containers[0].volumeMounts[0].name: Not found: "data"']],
    ['a mount on another', pod({ containers: [{ ...app, volumeMounts: [{ name: 'a', mountPath: '/x' }, { name: 'a', mountPath: '/x' }] }], volumes: [{ name: 'a' }] }), [
      'spec.containers[0].volumeMounts[1].mountPath: Invalid value: "/x": must be unique',
    ]],
    ['a sub path upwards', pod({ containers: [{ ...app, volumeMounts: [{ name: 'a', mountPath: '/x', subPath: '../y' }] }], volumes: [{ name: 'a' }] }), [
      "spec.containers[0].volumeMounts.subPath: Invalid value: \"../y\": must not contain '..'",
    ]],
    ['a probe of nothing', container({ livenessProbe: {} }), ['spec.containers[0].livenessProbe: Required value: must specify a handler type']],
    ['a probe of two things', container({ readinessProbe: { exec: { command: ['x'] }, tcpSocket: { port: 1 } } }), [
      'spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
    ]],
    ['a liveness probe that must succeed twice', container({ livenessProbe: { tcpSocket: { port: 1 }, successThreshold: 2 } }), [
      'spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1',
    ]],
    ['a sleep beyond the grace period', container({ lifecycle: { preStop: { sleep: { seconds: 31 } } } }), [
      'spec.containers[0].lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)',
    ]],
    ['a probe of an init container', pod({ initContainers: [{ name: 'i', image: 'x:1', livenessProbe: { tcpSocket: { port: 1 } } }] }), [
      'spec.initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always',
    ]],
    ['a privileged container that may not be', container({ securityContext: { privileged: true, allowPrivilegeEscalation: false } }), [
      'spec.containers[0].securityContext: Invalid value: {"privileged":true,"allowPrivilegeEscalation":false}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ]],
    ['an ephemeral container at creation', pod({ ephemeralContainers: [{ name: 'e', image: 'x:1' }] }), ['spec.ephemeralContainers: Forbidden: cannot be set on create']],
    ['a node behind gates', pod({ nodeName: 'n1', schedulingGates: [{ name: 'wait' }] }), ['spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared']],
    ['a volume of two kinds', pod({ volumes: [{ name: 'a', emptyDir: {}, hostPath: { path: '/x' } }] }), ['spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type']],
    ['a volume of no secret', pod({ volumes: [{ name: 'a', secret: {} }] }), ['spec.volumes[0].secret.secretName: Required value']],
    ['a volume of no config map', pod({ volumes: [{ name: 'a', configMap: { defaultMode: 1000 } }] }), [
      'spec.volumes[0].configMap.name: Required value', 'spec.volumes[0].configMap.defaultMode: Invalid value: 1000: must be a number between 0 and 0777 (octal), both inclusive',
    ]],
    ['a token without an account', pod({ volumes: [{ name: 'a', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] }), [
      'spec.volumes[0].projected.sources[0].serviceAccountToken: Forbidden: must not be specified when serviceAccountName is not set',
    ]],
    ['an empty toleration', pod({ tolerations: [{ operator: 'Equal' }] }), [
      'spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` is empty, which means "match all values and all keys"',
    ]],
    ['a toleration for a time of a soft taint', pod({ tolerations: [{ key: 'a', operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 5 }] }), [
      "spec.tolerations[0].effect: Invalid value: \"NoSchedule\": effect must be 'NoExecute' when `tolerationSeconds` is set",
    ]],
    ['affinity to no topology', pod({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ labelSelector: {}, topologyKey: '' }] } } }), [
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value: can not be empty',
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must be non-empty',
      'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Invalid value: "": name part must consist of alphanumeric characters, '
        + "'-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ]],
    ['node affinity of no term', pod({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }), [
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Required value: must have at least one node selector term',
    ]],
    ['spreading without skew', pod({ topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule' }] }), [
      'spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero',
    ]],
    ['DNS of nobody', pod({ dnsPolicy: 'None' }), ['spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None']],
    ['an alias of no address', pod({ hostAliases: [{ ip: '1.2.3' }] }), ['spec.hostAliases[0].ip: Invalid value: "1.2.3": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['a host port of its own in the network of the host', pod({ hostNetwork: true, containers: [{ ...app, ports: [{ containerPort: 80, hostPort: 81 }] }] }), [
      'spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when `hostNetwork` is true',
    ]],
    ['an unknown policy', pod({ restartPolicy: 'Maybe' }), ['spec.restartPolicy: Unsupported value: "Maybe": supported values: "Always", "OnFailure", "Never"']],
    ['a deadline of nothing', pod({ activeDeadlineSeconds: 0 }), ['spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive']],
  ])('%s', (_, object, expected) => expect(faults('v1/pods', object)).toEqual(expected));

  test('updates may change the image and little else', () => {
    expect(updateFaults('v1/pods', pod({}), container({ image: 'kubia:2' }))).toEqual([]);
    expect(updateFaults('v1/pods', pod({}), pod({ tolerations: [{ key: 'a', operator: 'Exists' }] }))).toEqual([]);
    expect(updateFaults('v1/pods', pod({}), container({ command: ['sh'] }))).toEqual([
      'spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,'
        + '`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)\n'
        + '- spec.containers[0].command: <none>\n+ spec.containers[0].command: ["sh"]',
    ]);
    expect(updateFaults('v1/pods', pod({}), pod({ containers: [app, { ...app, name: 'b' }] }))).toEqual(['spec.containers: Forbidden: pod updates may not add or remove containers']);
    expect(updateFaults('v1/pods', pod({ tolerations: [{ key: 'a', operator: 'Exists' }] }), pod({}))).toEqual([
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ]);
    expect(updateFaults('v1/pods', pod({ schedulingGates: [{ name: 'a' }] }), pod({ schedulingGates: [{ name: 'b' }] }))).toEqual([
      "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new scheduling gate 'b'",
    ]);
    expect(updateFaults('v1/pods', pod({ schedulingGates: [{ name: 'a' }] }), pod({ nodeSelector: { zone: 'b' } })), 'a gated pod may be narrowed').toEqual([]);
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }] } } };
    expect(updateFaults('v1/pods', pod({ schedulingGates: [{ name: 'a' }] }), pod({ affinity })), 'by affinity too').toEqual([]);
    expect(updateFaults('v1/pods', pod({ schedulingGates: [{ name: 'a' }], affinity }), pod({})), 'but not widened').toEqual([
      'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms: Invalid value: null: no additions/deletions to non-empty NodeSelectorTerms list are allowed',
    ]);
  });
});

const template = { metadata: { labels: { app: 'kubia' } }, spec: { containers: [app] } };
const selector = { matchLabels: { app: 'kubia' } };

describe('workloads', () => {
  test.each<[string, string, object, readonly string[]]>([
    ['a deployment of others', 'apps/v1/deployments', { spec: { selector: { matchLabels: { app: 'x' } }, template } }, [
      'spec.template.metadata.labels: Invalid value: {"app":"kubia"}: `selector` does not match template `labels`',
    ]],
    ['a deployment of all', 'apps/v1/deployments', { spec: { selector: {}, template } }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    ['fewer than none', 'apps/v1/deployments', { spec: { replicas: -1, selector, template } }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['a standstill', 'apps/v1/deployments', { spec: { selector, template, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } } }, [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ]],
    ['more than all', 'apps/v1/deployments', { spec: { selector, template, strategy: { rollingUpdate: { maxUnavailable: '120%' } } } }, [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "120%": must not be greater than 100%',
    ]],
    ['pods that end', 'apps/v1/replicasets', { spec: { selector, template: { ...template, spec: { containers: [app], restartPolicy: 'Never' } } } }, [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
    ]],
    ['a controller of nothing', 'v1/replicationcontrollers', { spec: {} }, ['spec.selector: Required value', 'spec.template: Required value']],
    ['an unknown order', 'apps/v1/statefulsets', { spec: { selector, template, serviceName: 'x', podManagementPolicy: 'Any' } }, [
      "spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
    ]],
    ['a claim without a size', 'apps/v1/statefulsets', { spec: { selector, template, serviceName: 'x', volumeClaimTemplates: [{ metadata: { name: 'a' }, spec: { accessModes: ['ReadWriteOnce'] } }] } }, [
      'spec.volumeClaimTemplates[0].spec.resources[storage]: Required value',
    ]],
    ['both ways at once', 'apps/v1/daemonsets', { spec: { selector, template, updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } } }, [
      'spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero',
    ]],
    ['a job that never ends', 'batch/v1/jobs', { spec: { template: { spec: { containers: [app] } } } }, ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']],
    ['a bad schedule', 'batch/v1/cronjobs', { spec: { schedule: '61 * * * *', jobTemplate: { spec: { template: { spec: { containers: [app], restartPolicy: 'Never' } } } } } }, [
      'spec.schedule: Invalid value: "61 * * * *": end of range (61) above maximum (59): 61',
    ]],
    ['a place that is none', 'batch/v1/cronjobs', { spec: { schedule: '@hourly', timeZone: 'Nowhere/City', jobTemplate: { spec: { template: { spec: { containers: [app], restartPolicy: 'Never' } } } } } }, [
      'spec.timeZone: Invalid value: "Nowhere/City": unknown time zone Nowhere/City',
    ]],
  ])('%s', (_, resource, object, expected) => expect(faults(resource, object)).toEqual(expected));

  test('what stays as it was made', () => {
    const other = { selector: { matchLabels: { app: 'b' } }, template: { ...template, metadata: { labels: { app: 'b' } } } };
    expect(updateFaults('apps/v1/deployments', { spec: { selector, template } }, { spec: other })).toEqual(['spec.selector: Invalid value: {"matchLabels":{"app":"b"}}: field is immutable']);
    expect(updateFaults('apps/v1/statefulsets', { spec: { selector, template, serviceName: 'a' } }, { spec: { selector, template, serviceName: 'b' } })).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
        + "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });
});

describe('services', () => {
  const ports = [{ port: 80 }];
  test.each<[string, object, readonly string[]]>([
    ['no ports', { spec: {} }, ['spec.ports: Required value']],
    ['two ports without names', { spec: { ports: [{ port: 80 }, { port: 81 }] } }, ['spec.ports[0].name: Required value', 'spec.ports[1].name: Required value']],
    ['the same port twice', { spec: { ports: [{ name: 'a', port: 80 }, { name: 'b', port: 80 }] } }, [
      'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
    ]],
    ['a node port inside', { spec: { ports: [{ port: 80, nodePort: 30000 }] } }, ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]],
    ['an unknown type', { spec: { type: 'Magic', ports } }, ['spec.type: Unsupported value: "Magic": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"']],
    ['a name of nothing', { spec: { type: 'ExternalName' } }, ['spec.externalName: Required value']],
    ['a headless balancer', { spec: { type: 'LoadBalancer', clusterIP: 'None', ports } }, ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for LoadBalancer services"]],
    ['a bad address', { spec: { clusterIP: '10.0.0.300', ports } }, ['spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
    ['a loopback from outside', { spec: { externalIPs: ['127.0.0.1'], ports } }, ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)']],
  ])('%s', (_, object, expected) => expect(faults('v1/services', object)).toEqual(expected));

  test('an address stays, and is kept for those who write without it', () => {
    const before = { spec: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'], ports } };
    expect(updateFaults('v1/services', before, { spec: { ports } })).toEqual([]);
    expect(updateFaults('v1/services', before, { spec: { clusterIP: '10.96.0.2', clusterIPs: ['10.96.0.2'], ports } })).toEqual([
      'spec.clusterIPs[0]: Invalid value: ["10.96.0.2"]: may not change once set',
    ]);
    expect(updateFaults('v1/services', before, { spec: { type: 'ExternalName', externalName: 'a.example', clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1'] } })).toEqual([]);
  });
});

test.each<[string, string, object, readonly string[]]>([
  ['a key that is no file', 'v1/configmaps', { data: { 'a/b': 'x' } }, [
    "data[a/b]: Invalid value: \"a/b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
      + "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
  ]],
  ['too much data', 'v1/configmaps', { data: { a: 'x'.repeat(1024 * 1024 + 1) } }, [': Too long: may not be more than 1048576 bytes']],
  ['a certificate without its key', 'v1/secrets', { type: 'kubernetes.io/tls', data: { 'tls.crt': '' } }, ['data[tls.key]: Required value']],
  ['a login of nobody', 'v1/secrets', { type: 'kubernetes.io/basic-auth' }, ['data[username]: Required value', 'data[password]: Required value']],
  ['a claim of no mode', 'v1/persistentvolumeclaims', { spec: { resources: { requests: { storage: '1Gi' } } } }, ['spec.accessModes: Required value: at least 1 access mode is required']],
  ['a volume of nothing', 'v1/persistentvolumes', { spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] } }, ['spec: Required value: must specify a volume type']],
  ['a quota of apples', 'v1/resourcequotas', { spec: { hard: { apples: '1' } } }, ['spec.hard[apples]: Invalid value: "apples": must be a standard resource type or fully qualified', 'spec.hard[apples]: Invalid value: "apples": must be a standard resource for quota']],
  ['a least above the most', 'v1/limitranges', { spec: { limits: [{ type: 'Container', min: { cpu: '2' }, max: { cpu: '1' } }] } }, [
    'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    'spec.limits[0].defaultRequest[cpu]: Invalid value: "1": min value 2 is greater than default request value 1',
    'spec.limits[0].default[cpu]: Invalid value: "2": min value 2 is greater than default value 1',
  ]],
  ['a class whose places are one twice', 'storage.k8s.io/v1/storageclasses', { provisioner: 'x', allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: ['a', 'b'] }] }, { matchLabelExpressions: [{ key: 'zone', values: ['b', 'a', 'a'] }, { key: '!' }] }, { matchLabelExpressions: [{ key: 'zone', values: ['b', 'a'] }] }, {}] }, [
    'allowedTopologies[1].matchLabelExpressions[0].values[2]: Duplicate value: "a"', 'allowedTopologies[1].matchLabelExpressions[1].values: Required value',
    "allowedTopologies[1].matchLabelExpressions[1].key: Invalid value: \"!\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    'allowedTopologies[2].matchLabelExpressions: Duplicate value: ""', 'allowedTopologies[3].matchLabelExpressions: Duplicate value: ""',
  ]],
  ['an empty choice, which is not the same as none', 'storage.k8s.io/v1/storageclasses', { provisioner: 'x', volumeBindingMode: '' }, ['volumeBindingMode: Required value']],
  ['a target of no group', 'autoscaling/v2/horizontalpodautoscalers', { spec: { maxReplicas: 2, scaleTargetRef: { kind: 'Deployment', name: 'x' } } }, ['spec.scaleTargetRef.apiVersion: Invalid value: "": apiVersion must specify API group']],
  ['a claim whose driver is told nothing', 'resource.k8s.io/v1/resourceclaims', { spec: { devices: { requests: [{ name: 'a', exactly: { deviceClassName: 'x.y', allocationMode: 'ExactCount', count: 1 } }], constraints: [{ requests: ['a', 'a'] }, { matchAttribute: 'model' }], config: [{ opaque: { driver: 'x.y' } }, { opaque: { driver: 'x.y', parameters: 'x' } }, {}] } } }, [
    'spec.devices.constraints[0].requests[1]: Duplicate value: "a"',
    'spec.devices.constraints[0]: Required value: exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set',
    'spec.devices.constraints[1].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
    'spec.devices.config[0].opaque.parameters: Required value', 'spec.devices.config[1].opaque.parameters: Invalid value: "<value omitted>": must be a valid JSON object', 'spec.devices.config[2].opaque: Required value',
  ]],
  ['a role of no verbs', 'rbac.authorization.k8s.io/v1/roles', { rules: [{ apiGroups: [''], resources: ['pods'] }] }, ['rules[0].verbs: Required value: verbs must contain at least one value']],
  ['a binding to a pod', 'rbac.authorization.k8s.io/v1/rolebindings', { roleRef: { kind: 'Pod', name: 'x' } }, ['roleRef.kind: Unsupported value: "Pod": supported values: "Role", "ClusterRole"']],
  ['an ingress to nowhere', 'networking.k8s.io/v1/ingresses', { spec: { rules: [{ http: { paths: [{ path: 'x', pathType: 'Prefix', backend: {} }] } }] } }, [
    'spec.rules[0].http.paths[0].path: Invalid value: "x": must be an absolute path', 'spec.rules[0].http.paths[0].backend: Invalid value: "": resource or service backend is required',
  ]],
  ['a peer that is nobody', 'networking.k8s.io/v1/networkpolicies', { spec: { podSelector: {}, ingress: [{ from: [{}] }] } }, ['spec.ingress[0].from[0]: Required value: must specify a peer']],
  ['a range of no range', 'networking.k8s.io/v1/networkpolicies', { spec: { podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: '10.0.0.0/16', except: ['10.1.0.0/24', '10.0.3.1/24'] } }] }] } }, [
    'spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "10.1.0.0/24": must be a strict subset of `cidr`',
    'spec.egress[0].to[0].ipBlock.except[1]: Invalid value: "10.0.3.1/24": must not have bits set beyond the prefix length',
  ]],
  ['a budget of both', 'policy/v1/poddisruptionbudgets', { spec: { minAvailable: 1, maxUnavailable: 1 } }, [
    'spec: Invalid value: {"minAvailable":1,"maxUnavailable":1}: minAvailable and maxUnavailable cannot be both set',
  ]],
  ['a priority of the system', 'scheduling.k8s.io/v1/priorityclasses', { metadata: { name: 'system-mine' }, value: 1 }, [
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
  ]],
  ['more at least than at most', 'autoscaling/v2/horizontalpodautoscalers', { spec: { minReplicas: 3, maxReplicas: 2, scaleTargetRef: { kind: 'Deployment', name: 'x', apiVersion: 'apps/v1' } } }, [
    'spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`',
  ]],
  ['a definition under another name', 'apiextensions.k8s.io/v1/customresourcedefinitions', {
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'foos', kind: 'Foo' }, versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }] },
  }, ['metadata.name: Invalid value: "kubia": must be spec.names.plural+"."+spec.group']],
  ['a webhook that is nowhere', 'admissionregistration.k8s.io/v1/validatingwebhookconfigurations', {
    webhooks: [{ name: 'a.example.com', sideEffects: 'None', admissionReviewVersions: ['v1'], clientConfig: {}, rules: [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*'] }] }],
  }, ['webhooks[0].clientConfig: Required value: exactly one of url or service is required']],
  ['a storage class of nobody', 'storage.k8s.io/v1/storageclasses', {}, ['provisioner: Required value']],
  ['a lease of no time', 'coordination.k8s.io/v1/leases', { spec: { leaseDurationSeconds: 0 } }, ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0']],
])('%s', (_, resource, object, expected) => expect(faults(resource, object)).toEqual(expected));

test('warnings', () => {
  const warnings = (resource: string, given: object): readonly string[] => {
    const { definition, object } = prepared(resource, given);
    return definition.warnings?.(object) ?? [];
  };
  expect(warnings('v1/pods', { metadata: { name: 'a.b' }, spec: { containers: [app] } })).toEqual([
    "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
  ]);
  expect(warnings('v1/pods', container({ env: [{ name: 'A', value: '1' }, { name: 'A', value: '$(A)2' }, { name: 'A', value: '3' }] }))).toEqual([
    'spec.containers[0].env[2]: hides previous definition of "A", which may be dropped when using apply',
  ]);
  expect(warnings('apps/v1/deployments', { spec: { selector, template: { ...template, spec: { containers: [app], nodeSelector: { 'beta.kubernetes.io/os': 'linux' } } } } })).toEqual([
    'spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
  ]);
});

describe('the template of a job', () => {
  const job = (suspend: boolean, spec: object = {}, status: object = {}): object => ({ spec: { suspend, manualSelector: true, selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [app], restartPolicy: 'Never', ...spec } } }, status });
  const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }] } };
  const immutable = expect.stringContaining('field is immutable');
  test.each<[string, object, object, readonly unknown[]]>([
    ['stays as it is while suspended', job(true), job(true), []],
    ['takes a place while suspended', job(true), job(true, { nodeSelector: { disk: 'ssd' }, affinity: { nodeAffinity } }), []],
    ['takes nothing else while suspended', job(true), job(true, { hostname: 'other' }), [immutable]],
    ['takes no place once it runs', job(false), job(false, { nodeSelector: { disk: 'ssd' } }), [immutable]],
  ])('%s', (_, before, after, expected) => {
    expect(updateFaults('batch/v1/jobs', before, after)).toEqual(expected);
  });
});
