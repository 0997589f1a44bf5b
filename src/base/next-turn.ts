/** Resolves in a later turn of the event loop, after input and output had theirs: long work calls it now and then. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
