import type { Answer } from '../http/answer.ts';
import type { Ticket } from './flow-control.ts';

/**
 * Waits until a request may be served. False where it was refused, and answered so: in plain text, as upstream does it; `beforeRefusal` is called then.
 * The answer's headers name its schema and level by their uids, which tell no names. Upstream: apiserver pkg/server/filters.WithPriorityAndFairness.
 */
export function letIn(ticket: Ticket, response: Answer, beforeRefusal: () => void): true | Promise<boolean> {
  response.give('X-Kubernetes-PF-FlowSchema-UID', ticket.flowSchemaUid);
  response.give('X-Kubernetes-PF-PriorityLevel-UID', ticket.priorityLevelUid);
  if (!ticket.waiting && ticket.refused === undefined) return true;
  return decided(ticket, response, beforeRefusal);
}

async function decided(ticket: Ticket, response: Answer, beforeRefusal: () => void): Promise<boolean> {
  await ticket.waiting;
  if (ticket.refused === undefined) return true;
  if (response.destroyed) return false;
  beforeRefusal();
  response.writeHead(429, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': REFUSAL.length, 'X-Content-Type-Options': 'nosniff', 'Retry-After': String(ticket.refused) });
  response.end(REFUSAL);
  return false;
}

export const REFUSAL = 'Too many requests, please try again later.\n';
