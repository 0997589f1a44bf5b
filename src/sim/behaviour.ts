/** What a simulated process does: after `afterMs` of running it writes `line`, or ends. A script without an `exit` step runs until told to stop. */
export type Step = { readonly afterMs: number; readonly line: string } | { readonly afterMs: number; readonly exit: number };

/**
 * Reads the commands that tests and examples use instead of running them: `sleep`, `echo`, `true`, `false`, `exit`, and `sh -c` with
 * a sequence of these. Anything else is taken for a server: it runs until stopped.
 *
 *     sh -c "echo hello; sleep 5; exit 3"   →   line "hello" at 0, exit 3 at 5 s
 */
export function scriptOf(command: readonly string[], env: Readonly<Record<string, string>> = {}): readonly Step[] {
  if (command.length === 0) return [];
  const [program, ...rest] = command;
  const name = program!.split('/').at(-1)!;
  const commands = (name === 'sh' || name === 'bash') && /^-\w*c$/.test(rest[0] ?? '') ? parseShell(rest[1] ?? '', env) : [[name, ...rest]];
  const steps: Step[] = [];
  let elapsed = 0;
  let last = 0;
  for (const words of commands) {
    const effect = run(words);
    if (effect === 'forever') return steps;
    if (effect.line !== undefined) steps.push({ afterMs: elapsed, line: effect.line });
    elapsed += effect.takesMs ?? 0;
    last = effect.code ?? 0;
    if (effect.ends) break;
  }
  return [...steps, { afterMs: elapsed, exit: last }];
}

interface Effect {
  readonly line?: string;
  readonly takesMs?: number;
  readonly code?: number;
  readonly ends?: boolean;
}

function run([name, ...args]: readonly string[]): Effect | 'forever' {
  switch (name) {
    case 'true': case ':': case 'trap': case 'set': case 'touch': case 'rm': case 'mkdir': return {};
    case 'false': return { code: 1 };
    case 'exit': return { code: Number(args[0] ?? 0), ends: true };
    case 'echo': return { line: args.join(' ') };
    case 'printf': return { line: args.join(' ').replace(/\\n$/, '') };
    case 'sleep': return seconds(args[0]) === undefined ? 'forever' : { takesMs: seconds(args[0])! * 1000 };
    default: return 'forever';
  }
}

function seconds(text = ''): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * { '': 1, s: 1, m: 60, h: 3600, d: 86_400 }[match[2] as 's']!;
}

/** Splits at `;`, `&&` and line ends; strips quotes and redirections; replaces `$NAME`. */
function parseShell(text: string, env: Readonly<Record<string, string>>): string[][] {
  return text.split(/;|&&|\n/).map((part) => {
    const words = part.trim().match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
    const end = words.findIndex((word) => /^\d?>>?/.test(word) || word === '|');
    return (end < 0 ? words : words.slice(0, end)).map((word) => word.startsWith("'") ? word.slice(1, -1)
      : word.replace(/^"|"$/g, '').replace(/\$\{?(\w+)\}?/g, (_, name: string) => env[name] ?? ''));
  }).filter((words) => words.length > 0);
}
