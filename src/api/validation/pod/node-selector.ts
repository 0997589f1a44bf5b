/** Which nodes: terms of which one must hold. Upstream: ValidateNodeSelector. */
import { fieldError } from '../../errors.ts';
import type { NodeSelector, NodeSelectorRequirement, NodeSelectorTerm } from '../../generated/core-v1.ts';
import { isDns1123Subdomain, isLabelValue } from '../../names.ts';
import { formatErrors, qualifiedName, type FieldErrors } from '../fields.ts';

export function* nodeSelectorErrors(path: string, selector: NodeSelector): FieldErrors {
  const at = `${path}.nodeSelectorTerms`;
  if (!selector.nodeSelectorTerms?.length) yield fieldError.required(at, 'must have at least one node selector term');
  for (const [i, term] of (selector.nodeSelectorTerms ?? []).entries()) yield* nodeSelectorTermErrors(`${at}[${i}]`, term);
}

export function* nodeSelectorTermErrors(path: string, term: NodeSelectorTerm): FieldErrors {
  for (const [i, requirement] of (term.matchExpressions ?? []).entries()) yield* expressionErrors(`${path}.matchExpressions[${i}]`, requirement);
  for (const [i, requirement] of (term.matchFields ?? []).entries()) yield* fieldErrors(`${path}.matchFields[${i}]`, requirement);
}

function* expressionErrors(path: string, { key, operator, values = [] }: NodeSelectorRequirement): FieldErrors {
  switch (operator) {
    case 'In':
    case 'NotIn':
      if (values.length === 0) yield fieldError.required(`${path}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case 'Exists':
    case 'DoesNotExist':
      if (values.length > 0) yield fieldError.forbidden(`${path}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      break;
    case 'Gt':
    case 'Lt':
      if (values.length !== 1) yield fieldError.required(`${path}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      break;
    default:
      yield fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator');
  }
  yield* qualifiedName(`${path}.key`, key);
  for (const [i, value] of values.entries()) yield* formatErrors(`${path}.values[${i}]`, value, isLabelValue(value));
}

/** Of a node's fields only the name can be asked for. */
function* fieldErrors(path: string, { key, operator, values = [] }: NodeSelectorRequirement): FieldErrors {
  if (operator === 'In' || operator === 'NotIn') {
    if (values.length !== 1) yield fieldError.required(`${path}.values`, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
  } else {
    yield fieldError.invalid(`${path}.operator`, operator, 'not a valid selector operator');
  }
  if (key !== 'metadata.name') yield fieldError.invalid(`${path}.key`, key, 'not a valid field selector key');
  else for (const [i, value] of values.entries()) yield* formatErrors(`${path}.values[${i}]`, value, isDns1123Subdomain(value));
}
