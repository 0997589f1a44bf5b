import type { KubeObject } from '../../api/object.ts';
import type { Finding } from '../finding.ts';
import { kindWords } from '../words.ts';

/** What the API server said when a pod was to be made, and what it means. */
export function refusal(message: string, { kind, metadata: { name } }: KubeObject): Finding {
  const whose = `the pods of the ${kindWords(kind)} ${name}`;
  const [, quota] = /exceeded quota: ([^,]+)/.exec(message) ?? [];
  const waitsFor = `leave to make ${whose}`;
  if (quota) {
    const [, requested] = /requested: ([^,]+(?:,[\w./-]+=[^,]+)*?), used:/.exec(message) ?? [];
    const [, used] = /used: (.+?), limited:/.exec(message) ?? [];
    const [, limited] = /limited: (.+)$/.exec(message) ?? [];
    return {
      waitsFor: `room in the quota ${quota}, for ${whose}`,
      because: ['A quota says how much all of a namespace together may take.', limited ? `A pod would take ${requested ?? 'more'}; ${used} is taken already, and ${limited} is the limit.` : message],
      help: [`Raise the quota: kubectl edit quota ${quota}`, 'Or end something else in the namespace, or ask for less.'],
    };
  }
  if (/failed quota|must specify/.test(message)) return { waitsFor, because: [message], help: ['The quota of the namespace counts what the pods do not state: give the containers resources (requests and limits).'] };
  const [, priority] = /no PriorityClass with name (\S+) was found/.exec(message) ?? [];
  if (priority) return { waitsFor: `the priority class ${priority}, for ${whose}`, because: ['The template says by name how important its pods are (priorityClassName), and there is no such class.'], help: ['See which there are: kubectl get priorityclasses', `Make it: kubectl create priorityclass ${priority} --value=1000`, 'Or correct priorityClassName in the template.'] };
  const [, account] = /serviceaccount "?([^" ]+)"? not found/.exec(message) ?? [];
  if (account) return { waitsFor: `the service account ${account.split('/').at(-1)}, for ${whose}`, because: ['A pod acts under the name of a service account, and the one that the template names is not there.'], help: [`Make it: kubectl create serviceaccount ${account.split('/').at(-1)}`, 'Or correct serviceAccountName in the template.'] };
  const [, level, faults] = /violates PodSecurity "([^":]+)[^"]*": (.+)$/.exec(message) ?? [];
  if (level) {
    return {
      waitsFor: `${whose} to be as safe as the namespace asks`,
      because: [`The namespace takes only pods of the level "${level}" (its label pod-security.kubernetes.io/enforce), and these are not:`, ...faults!.split(/, (?=[^()]*(?:\(|$))/).map((fault) => `  ${fault}`)],
      help: ['Change the securityContext in the template as it says above.', 'Or, if they have to be so, ask for a milder level: kubectl label namespace … pod-security.kubernetes.io/enforce=baseline --overwrite'],
    };
  }
  const [, webhook, said] = /admission webhook "([^"]+)" denied the request(?:: (.*))?$/s.exec(message) ?? [];
  if (webhook) return { waitsFor: `leave of the webhook ${webhook} to make ${whose}`, because: ['A webhook is a program that somebody has put before the API: it may refuse what does not please it.', `It said: ${said ?? 'no more than no'}`], help: ['Change the template so that it is content.', 'See who put it there: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations'] };
  const [, silent, fault] = /failed calling webhook "([^"]+)": (.*)$/s.exec(message) ?? [];
  if (silent) return { waitsFor: `the webhook ${silent} to answer, so that ${whose} can be made`, because: ['A webhook is a program that somebody has put before the API; nothing is made while it does not answer.', fault!], help: ['See whether its pods run and its service has endpoints: wherry why svc/…', 'If it is not needed any more, delete its configuration: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations'] };
  const [, policy, why] = /ValidatingAdmissionPolicy '([^']+)' with binding '[^']+' denied request: (.*)$/s.exec(message) ?? [];
  if (policy) return { waitsFor: `${whose} to meet the policy ${policy}`, because: ['A policy of this cluster refuses them.', `It says: ${why}`], help: ['Change the template as it says.', `Read the policy: kubectl describe validatingadmissionpolicy ${policy}`] };
  if (/(maximum|minimum) .* (usage|limit) per (Container|Pod)|max limit to request ratio/i.test(message)) return { waitsFor: `${whose} to keep within the limits of the namespace`, because: [message.replace(/^.*is forbidden: /s, '')], help: ['Change resources of the containers, or the limits: kubectl describe limitrange'] };
  return { waitsFor, because: [message], help: [] };
}
