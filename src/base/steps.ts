/**
 * Runs a computation that asks as it goes along, and whose questions mostly have answers at hand: it answers at once where all were, and with a
 * promise from the first that was not.
 */
export function runSteps<Question, Answer, Result>(steps: Generator<Question, Result, Answer>, ask: (question: Question) => Answer | Promise<Answer>): Result | Promise<Result> {
  let step = steps.next(undefined as Answer); // the first call of a generator takes no value
  while (!step.done) {
    const answer = ask(step.value);
    if (answer instanceof Promise) return finish(steps, answer, ask);
    step = steps.next(answer);
  }
  return step.value;
}

async function finish<Question, Answer, Result>(steps: Generator<Question, Result, Answer>, first: Promise<Answer>, ask: (question: Question) => Answer | Promise<Answer>): Promise<Result> {
  let step = steps.next(await first);
  while (!step.done) step = steps.next(await ask(step.value));
  return step.value;
}
