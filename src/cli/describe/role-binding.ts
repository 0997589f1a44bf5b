import type { RoleBinding } from '../../api/generated/rbac-v1.ts';
import type { DescribeContext } from './describe-context.ts';

/** Role bindings and cluster role bindings. Upstream: describe.go, RoleBindingDescriber. */
export function describeRoleBinding({ metadata, roleRef, subjects = [] }: RoleBinding, { out }: DescribeContext): void {
  out.field(0, 'Name', metadata.name);
  out.map(0, 'Labels', metadata.labels);
  out.annotations(0, 'Annotations', metadata.annotations);
  out.line(0, 'Role:');
  out.field(1, 'Kind', roleRef.kind);
  out.field(1, 'Name', roleRef.name);
  out.line(0, 'Subjects:');
  out.line(1, 'Kind\tName\tNamespace');
  out.line(1, '----\t----\t---------');
  for (const { kind, name, namespace = '' } of subjects) out.line(1, `${kind}\t${name}\t${namespace}`);
}
