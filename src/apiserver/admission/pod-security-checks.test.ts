import { expect, test } from 'vitest';
import type { PodSpec } from '../../api/generated/core-v1.ts';
import { podSecurityViolations, type PodSecurityLevel } from './pod-security-checks.ts';

type Row = readonly [what: string, level: PodSecurityLevel, version: string, spec: Partial<PodSpec>, annotations: Readonly<Record<string, string>>, told: readonly string[]];

/** What a container must say to be restricted. */
const SAFE = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] }, runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } };
const container = (name: string, rest: object = {}): PodSpec['containers'][number] => ({ name, image: 'i', ...rest }) as PodSpec['containers'][number];
const safe = (rest: object = {}): Partial<PodSpec> => ({ containers: [container('a', { securityContext: { ...SAFE, ...rest } })] });
const sysctls = (...names: readonly string[]): Partial<PodSpec> => ({ ...safe(), securityContext: { sysctls: names.map((name) => ({ name, value: '1' })) } });

test.each<Row>([
  ['nothing is asked of the privileged', 'privileged', 'latest', { hostPID: true }, {}, []],
  ['what restricted asks for', 'restricted', 'latest', safe(), {}, []],
  ['a plain pod', 'baseline', 'latest', { containers: [container('a')] }, {}, []],
  ['a plain pod, restricted', 'restricted', 'latest', { containers: [container('a'), container('b')] }, {}, [
    'allowPrivilegeEscalation != false (containers "a", "b" must set securityContext.allowPrivilegeEscalation=false)', 'unrestricted capabilities (containers "a", "b" must set securityContext.capabilities.drop=["ALL"])',
    'runAsNonRoot != true (pod or containers "a", "b" must set securityContext.runAsNonRoot=true)', 'seccompProfile (pod or containers "a", "b" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ]],
  ['restricted 1.7 knows no privilege escalation, capabilities or seccomp', 'restricted', 'v1.7', { containers: [container('a')] }, {}, ['runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)']],
  ['privilege escalation since 1.8', 'restricted', 'v1.8', safe({ allowPrivilegeEscalation: undefined }), {}, ['allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)']],
  ['seccomp since 1.19', 'restricted', 'v1.19', safe({ seccompProfile: undefined }), {}, ['seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")']],
  ['and not before', 'restricted', 'v1.18', safe({ seccompProfile: undefined }), {}, []],
  ['capabilities since 1.22', 'restricted', 'v1.22', safe({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } }), {}, ['unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)']],
  ['before that, those of baseline', 'restricted', 'v1.21', safe({ capabilities: { add: ['CHOWN', 'SYS_ADMIN'] } }), {}, ['non-default capabilities (container "a" must not include "SYS_ADMIN" in securityContext.capabilities.add)']],
  ['both faults of capabilities', 'restricted', 'latest', safe({ capabilities: { add: ['SYS_TIME', 'CHOWN'] } }), {}, ['unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CHOWN", "SYS_TIME" in securityContext.capabilities.add)']],
  ['root since 1.23', 'restricted', 'v1.23', { ...safe(), securityContext: { runAsUser: 0 } }, {}, ['runAsUser=0 (pod must not set runAsUser=0)']],
  ['and not before', 'restricted', 'v1.22', { ...safe(), securityContext: { runAsUser: 0 } }, {}, []],
  ['root in pod and container', 'restricted', 'latest', { ...safe({ runAsUser: 0 }), securityContext: { runAsUser: 0 } }, {}, ['runAsUser=0 (pod and container "a" must not set runAsUser=0)']],
  ['Windows is excused since 1.25', 'restricted', 'v1.25', { ...safe({ allowPrivilegeEscalation: undefined, capabilities: undefined, seccompProfile: undefined }), os: { name: 'windows' } }, {}, []],
  ['and not before', 'restricted', 'v1.24', { ...safe({ allowPrivilegeEscalation: undefined, capabilities: undefined, seccompProfile: undefined }), os: { name: 'windows' } }, {}, [
    'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)', 'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"])',
    'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  ]],
  ['a user namespace excuses from root since 1.35', 'restricted', 'v1.35', { ...safe({ runAsNonRoot: undefined, runAsUser: 0 }), hostUsers: false }, {}, []],
  ['and not before', 'restricted', 'v1.34', { ...safe({ runAsNonRoot: undefined, runAsUser: 0 }), hostUsers: false }, {}, ['runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)', 'runAsUser=0 (container "a" must not set runAsUser=0)']],
  ['an unmasked proc in a user namespace, baseline 1.35', 'baseline', 'v1.35', { ...safe({ procMount: 'Unmasked' }), hostUsers: false }, {}, []],
  ['baseline 1.34', 'baseline', 'v1.34', { ...safe({ procMount: 'Unmasked' }), hostUsers: false }, {}, ['procMount (container "a" must not set securityContext.procMount to "Unmasked")']],
  ['restricted 1.35', 'restricted', 'v1.35', { ...safe({ procMount: 'Unmasked' }), hostUsers: false }, {}, ['procMount (container "a" must not set securityContext.procMount to "Unmasked")']],
  ['false said by the pod', 'restricted', 'latest', { ...safe(), securityContext: { runAsNonRoot: false } }, {}, ['runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)']],
  ['sysctls of the first version', 'baseline', 'v1.26', sysctls('kernel.shm_rmid_forced', 'net.ipv4.ip_local_reserved_ports', 'kernel.msgmax'), {}, ['forbidden sysctls (net.ipv4.ip_local_reserved_ports, kernel.msgmax)']],
  ['of 1.27', 'baseline', 'v1.27', sysctls('net.ipv4.ip_local_reserved_ports', 'net.ipv4.tcp_keepalive_time'), {}, ['forbidden sysctls (net.ipv4.tcp_keepalive_time)']],
  ['of 1.29', 'baseline', 'v1.31', sysctls('net.ipv4.tcp_keepalive_time', 'net.ipv4.tcp_rmem'), {}, ['forbidden sysctls (net.ipv4.tcp_rmem)']],
  ['of 1.32', 'baseline', 'v1.32', sysctls('net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem'), {}, []],
  ['SELinux before 1.31', 'baseline', 'v1.30', { ...safe({ seLinuxOptions: { type: 'container_engine_t' } }), securityContext: { seLinuxOptions: { user: 'u', role: 'r' } } }, {}, ['seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "container_engine_t"; user may not be set; role may not be set)']],
  ['SELinux since 1.31', 'baseline', 'v1.31', safe({ seLinuxOptions: { type: 'container_engine_t' } }), {}, []],
  ['hosts of probes since 1.34', 'baseline', 'v1.34', { containers: [container('a', { livenessProbe: { httpGet: { host: '127.0.0.1', port: 80 } } })] }, {}, ['probe or lifecycle host (container "a" uses probe or lifecycle host "127.0.0.1")']],
  ['and not before', 'baseline', 'v1.33', { containers: [container('a', { livenessProbe: { httpGet: { host: '127.0.0.1', port: 80 } } })] }, {}, []],
  ['a version to come is as the newest', 'baseline', 'v1.99', { containers: [container('a', { readinessProbe: { tcpSocket: { host: 'h', port: 80 } } })] }, {}, ['probe or lifecycle host (container "a" uses probe or lifecycle host "h")']],
  ['seccomp by annotation before 1.19', 'baseline', 'v1.18', { containers: [container('a'), container('b')] }, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined', 'container.seccomp.security.alpha.kubernetes.io/a': 'x', 'container.seccomp.security.alpha.kubernetes.io/b': 'localhost/p' }, [
    'seccompProfile (forbidden annotations container.seccomp.security.alpha.kubernetes.io/a="x", seccomp.security.alpha.kubernetes.io/pod="unconfined")',
  ]],
  ['seccomp by field since', 'baseline', 'v1.19', { containers: [container('a', { securityContext: { seccompProfile: { type: 'Unconfined' } } })], securityContext: { seccompProfile: { type: 'Unconfined' } } }, { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }, [
    'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
  ]],
  ['the host', 'baseline', 'latest', { containers: [container('a', { ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 443 }] })], hostNetwork: true, hostPID: true, volumes: [{ name: 'v', hostPath: { path: '/' } }] }, {}, [
    'host namespaces (hostNetwork=true, hostPID=true)', 'hostPath volumes (volume "v")', 'hostPort (container "a" uses hostPorts 443, 80)',
  ]],
  ['restricted volumes take the place of host paths', 'restricted', 'v1.0', { ...safe(), volumes: [{ name: 'v', hostPath: { path: '/' } }, { name: 'n', nfs: { server: 's', path: '/' } }] }, {}, ['restricted volume types (volumes "v", "n" use restricted volume types "hostPath", "nfs")']],
  ['privileged, with AppArmor by annotation', 'baseline', 'latest', { containers: [container('a', { securityContext: { privileged: true } })] }, { 'container.apparmor.security.beta.kubernetes.io/a': 'unconfined' }, [
    'forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a="unconfined"")', 'privileged (container "a" must not set securityContext.privileged=true)',
  ]],
  ['processes of the host', 'baseline', 'latest', { containers: [container('a', { securityContext: { windowsOptions: { hostProcess: true } } })] }, {}, ['hostProcess (container "a" must not set securityContext.windowsOptions.hostProcess=true)']],
])('%s (%s:%s)', (_, level, version, spec, annotations, told) => {
  expect(podSecurityViolations({ level, version }, { annotations, spec: spec as PodSpec }).map(({ reason, detail }) => `${reason} (${detail})`)).toEqual(told);
});
