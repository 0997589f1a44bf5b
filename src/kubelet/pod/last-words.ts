const LOG_LINES = 80;
const LONGEST_FROM_LOG = 2048;

/** What a container wrote last, of its log in the CRI form: at most 80 lines and 2048 characters. Upstream: kuberuntime readLastStringFromContainerLogs. */
export function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '').slice(-LOG_LINES);
  return lines.map((line) => {
    const [, , tag = '', ...text] = line.split(' ');
    // `P` marks a piece of a line: the line goes on, or ended with the output.
    return text.join(' ') + (tag.split(':')[0] === 'P' ? '' : '\n');
  }).join('').slice(-LONGEST_FROM_LOG);
}
