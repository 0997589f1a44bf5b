import type { Ingress, IngressBackend } from '../../api/generated/networking-v1.ts';
import type { Diagnose, Finding, Situation } from '../finding.ts';

/** Ingresses that nobody serves, or that lead nowhere. */
export const ingress: Diagnose = (situation) => {
  if (situation.focus.kind !== 'Ingress') return [];
  const found = situation.focus as Ingress;
  return [...served(found, situation), ...backendsOf(found).flatMap((backend) => leads(found, backend, situation))];
};

function served({ metadata: { name }, spec, status }: Ingress, { ingressClasses, wherry }: Situation): Finding[] {
  const wanted = spec?.ingressClassName;
  const known = ingressClasses.map(({ metadata }) => metadata.name);
  const install = wherry ? 'Enable the one of wherry: wherry addons enable ingress' : 'Install an ingress controller, such as ingress-nginx or Traefik.';
  const waitsFor = `somebody to serve the ingress ${name}`;
  if (wanted !== undefined && !known.includes(wanted)) return [{ waitsFor, because: [`It asks for the ingress class "${wanted}", and there is none of that name.`, known.length > 0 ? `There are: ${known.join(', ')}.` : 'There are no ingress classes at all: no ingress controller is installed.'], help: known.length > 0 ? [`Ask for one that there is: spec.ingressClassName: ${known[0]}`] : [install] }];
  if (wanted === undefined && !ingressClasses.some(({ metadata }) => metadata.annotations?.['ingressclass.kubernetes.io/is-default-class'] === 'true') && (status?.loadBalancer?.ingress?.length ?? 0) === 0) {
    return [{ waitsFor, because: ['An ingress is a wish only: a program (an ingress controller) has to fulfil it.', known.length > 0 ? `It names no ingress class, and none is the default. There are: ${known.join(', ')}.` : 'None is installed.'], help: known.length > 0 ? [`Name one: spec.ingressClassName: ${known[0]}`] : [install] }];
  }
  if ((status?.loadBalancer?.ingress?.length ?? 0) > 0) return [];
  return [{ waitsFor: `an address for the ingress ${name}`, because: [`It is the controller's to give${wanted ? ` (of the class ${wanted})` : ''}, and it has not yet.`], help: ['See whether the controller runs, and what it says.'] }];
}

const backendsOf = ({ spec }: Ingress): readonly IngressBackend[] => {
  const all = [...(spec?.defaultBackend ? [spec.defaultBackend] : []), ...(spec?.rules ?? []).flatMap(({ http }) => (http?.paths ?? []).map(({ backend }) => backend))];
  return [...new Map(all.map((backend) => [JSON.stringify(backend.service), backend])).values()];
};

function leads({ metadata: { name } }: Ingress, { service: wanted }: IngressBackend, { services, slices }: Situation): Finding[] {
  if (!wanted) return [];
  const service = services.find(({ metadata }) => metadata.name === wanted.name);
  if (!service) return [{ waitsFor: `the service ${wanted.name}, for the ingress ${name}`, because: ['It is to send requests to that service, and there is none of that name.', ...(services.length > 0 ? [`There are: ${services.slice(0, 8).map(({ metadata }) => metadata.name).join(', ')}.`] : [])], help: [`Make it (kubectl expose …), or correct the name in the ingress: kubectl edit ingress ${name}`] }];
  const ports = service.spec?.ports ?? [];
  const port = wanted.port?.name ?? wanted.port?.number;
  if (port !== undefined && !ports.some((one) => one.name === port || one.port === port)) return [{ waitsFor: `the port ${port} of the service ${wanted.name}, for the ingress ${name}`, because: [`That service has no such port, but ${ports.map((one) => `${one.port}${one.name ? ` (${one.name})` : ''}`).join(', ')}.`], help: [`Correct the port in the ingress: kubectl edit ingress ${name}`] }];
  const ready = slices.some(({ metadata, endpoints }) => metadata.labels?.['kubernetes.io/service-name'] === wanted.name && (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false));
  if (ready || service.spec?.type === 'ExternalName') return [];
  return [{ waitsFor: `a ready pod behind the service ${wanted.name}, for the ingress ${name}`, because: ['Requests come as far as the service, which has nobody to send them to.'], help: [`See why: wherry why svc/${wanted.name}`] }];
}
