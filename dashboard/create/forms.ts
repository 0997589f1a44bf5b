import { stringify } from 'yaml';

/** What the form for a deployment asks; texts as they are typed. */
export interface DeploymentForm {
  readonly name: string;
  readonly image: string;
  readonly replicas: number;
  readonly port: string;
  /** `NAME=value`, a line each. */
  readonly env: string;
  readonly cpu: string;
  readonly memory: string;
  /** Also a service in front of it: empty for none, else its type. */
  readonly service: string;
}

export interface ServiceForm {
  readonly name: string;
  readonly type: string;
  readonly port: string;
  readonly targetPort: string;
  /** `key=value`, with commas. */
  readonly selector: string;
}

/** A manifest of the deployment, and of the service in front of it where one is wanted. */
export function deploymentText({ name, image, replicas, port, env, cpu, memory, service }: DeploymentForm): string {
  const labels = { app: name };
  const variables = env
    .split('\n')
    .flatMap((line) =>
      line.includes('=') ? [{ name: line.slice(0, line.indexOf('=')).trim(), value: line.slice(line.indexOf('=') + 1) }] : [],
    );
  const requests = { ...(cpu && { cpu }), ...(memory && { memory }) };
  const container = {
    name,
    image,
    ...(port && { ports: [{ containerPort: Number(port) }] }),
    ...(variables.length > 0 && { env: variables }),
    ...(Object.keys(requests).length > 0 && { resources: { requests } }),
  };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [container] } } },
  };
  const texts = [stringify(deployment)];
  if (service && port) texts.push(serviceText({ name, type: service, port, targetPort: port, selector: `app=${name}` }));
  return texts.join('---\n');
}

export function serviceText({ name, type, port, targetPort, selector }: ServiceForm): string {
  const picked = Object.fromEntries(
    selector.split(',').flatMap((part) => (part.includes('=') ? [part.trim().split('=', 2) as [string, string]] : [])),
  );
  const target = /^\d+$/.test(targetPort) ? Number(targetPort) : targetPort;
  return stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { type, selector: picked, ports: [{ port: Number(port), ...(targetPort && { targetPort: target }) }] },
  });
}
