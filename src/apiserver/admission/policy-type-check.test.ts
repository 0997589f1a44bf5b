import { expect, test } from 'vitest';
import type { ValidatingAdmissionPolicy } from '../../api/generated/admissionregistration-v1.ts';
import { validatingAdmissionPolicies } from '../../api/generated/resources.ts';
import type { New } from '../../api/object.ts';
import { startTestApiServer } from '../../testing/api-server.ts';

test('a policy is told what its expressions name that its kinds have not', async () => {
  await using api = await startTestApiServer();
  const { admin } = api;
  const policy = (name: string, resources: readonly string[], ...validations: object[]) => ({
    metadata: { name }, spec: { matchConstraints: { resourceRules: [{ operations: ['*'], apiGroups: ['apps'], apiVersions: ['v1'], resources }] }, validations },
  }) as unknown as New<ValidatingAdmissionPolicy>;
  const checked = async (name: string) => {
    const { metadata, status } = await admin.get(validatingAdmissionPolicies, { name });
    return status?.observedGeneration === metadata.generation ? status?.typeChecking : 'not yet';
  };
  await admin.create(validatingAdmissionPolicies, policy('good', ['deployments', 'statefulsets'], {
    expression: 'object.spec.replicas > 1 && object.metadata.labels.all(k, k != "a") && object.spec.template.spec.containers.all(c, has(c.image)) && request.operation == "CREATE"', messageExpression: '"in " + object.metadata.namespace',
  }));
  await admin.create(validatingAdmissionPolicies, policy('bad', ['deployments', 'replicasets'], { expression: 'object.spec.replicas > "1"' }, { expression: 'object.spec.paused', messageExpression: 'object.nothing' }));
  await admin.create(validatingAdmissionPolicies, policy('any', ['*'], { expression: 'object.nothing' }));
  await expect.poll(() => checked('good')).toEqual({});
  await expect.poll(() => checked('any')).toEqual({});
  const overload = "compilation failed: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '(int, string)'\n | object.spec.replicas > \"1\"\n | .....................^\n";
  const nothing = "compilation failed: ERROR: <input>:1:7: undefined field 'nothing'\n | object.nothing\n | ......^\n";
  await expect.poll(() => checked('bad')).toEqual({
    expressionWarnings: [
      { fieldRef: 'spec.validations[0].expression', warning: `apps/v1, Kind=Deployment: ${overload}\napps/v1, Kind=ReplicaSet: ${overload}` },
      { fieldRef: 'spec.validations[1].expression', warning: "apps/v1, Kind=ReplicaSet: compilation failed: ERROR: <input>:1:12: undefined field 'paused'\n | object.spec.paused\n | ...........^\n" },
      { fieldRef: 'spec.validations[1].messageExpression', warning: `apps/v1, Kind=Deployment: ${nothing}\napps/v1, Kind=ReplicaSet: ${nothing}` },
    ],
  });
});
