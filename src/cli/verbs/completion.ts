import type { Call, Verb } from '../command/verb.ts';
import { KubectlError } from '../command/kubectl-error.ts';

/** Each shell asks `kubectl __complete WORDS…`, which prints one candidate a line. */
const scripts: Readonly<Record<string, string>> = {
  bash: `# bash completion for kubectl
__kubectl_complete() {
    local IFS=$'\\n'
    local word="\${COMP_WORDS[COMP_CWORD]}"
    [ "$word" = "=" ] && word=""
    COMPREPLY=($(compgen -W "$(kubectl __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "$word"))
    # TYPE/ and FLAG= are to be gone on with.
    case "\${COMPREPLY[0]}" in */|*=) compopt -o nospace 2>/dev/null ;; esac
}
complete -o default -F __kubectl_complete kubectl
`,
  zsh: `#compdef kubectl
compdef _kubectl kubectl
_kubectl() {
    local -a candidates open
    candidates=("\${(@f)$(kubectl __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
    # TYPE/ and FLAG= are to be gone on with.
    open=(\${(M)candidates:#*[/=]})
    candidates=(\${candidates:#*[/=]})
    (( $#open )) && compadd -S '' -- $open
    (( $#candidates )) && compadd -- $candidates
}
# As a file of fpath it is run for its first completion.
if [ "$funcstack[1]" = "_kubectl" ]; then _kubectl "$@"; fi
`,
  fish: `# fish completion for kubectl
function __kubectl_complete
    set -l words (commandline -opc) (commandline -ct)
    kubectl __complete $words[2..-1] 2>/dev/null
end
complete -c kubectl -f -a '(__kubectl_complete)'
`,
};

export const verb: Verb = {
  usage: 'SHELL',
  summary: 'Output shell completion code for the specified shell (bash, zsh, fish)',
  flags: {},
  async run({ args, io }: Call) {
    if (args.length === 0) throw new KubectlError("Shell not specified.\nSee 'kubectl completion -h' for help and examples");
    if (args.length > 1) throw new KubectlError("Too many arguments. Expected only the shell type.\nSee 'kubectl completion -h' for help and examples");
    const script = Object.hasOwn(scripts, args[0]!) ? scripts[args[0]!] : undefined;
    if (!script) throw new KubectlError(`Unsupported shell type "${args[0]}".\nSee 'kubectl completion -h' for help and examples`);
    io.out(script);
  },
};
