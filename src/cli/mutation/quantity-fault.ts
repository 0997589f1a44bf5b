export { isQuantity } from '../../api/quantity.ts';

/** What Go says of a text that is no quantity. */
export const QUANTITY_FAULT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
