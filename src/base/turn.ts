/** Runs `callback` when the present turn of the event loop, with all promises it settles, is over. What comes in one turn is gathered and sent once. */
export function afterTurn(callback: () => void): void {
  setImmediate(callback);
}
