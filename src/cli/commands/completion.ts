// Adds `completion <shell>`, which prints a shell script that calls the hidden command `complete` for suggestions.
import completions from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import type { Cli, Command } from '../command.js';

/**
 * The script for bash. The script of the library needs functions of the package bash-completion, and fails when it is sourced twice.
 * Bash splits the last word at `:` and `=`, so only the part behind them is replaced.
 */
const BASH = `# completion of hookgraph for bash
_hookgraph() {
  local value _ current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS=$'\\t' read -r value _; do
    case "$value" in
      :*) ;;
      "$current"*) COMPREPLY+=("$value") ;;
    esac
  done < <(hookgraph complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _hookgraph hookgraph
`;

export function addCompletion(program: Command, { terminal }: Cli): void {
  tab(program, { completionCommandName: 'completion' });
  const completion = program.commands.find((command) => command.name() === 'completion');
  completion
    ?.description('print a shell script that completes commands and options')
    .addHelpText('after', '\nExample:\n  $ source <(hookgraph completion bash)')
    .action((shell: string) => (shell === 'bash' ? terminal.write(BASH) : completions.setup('hookgraph', 'hookgraph', shell)));
}
