// Runs a command line and returns its exit code: 0 for success; a failure is printed with its code and a hint.
import { CommanderError } from 'commander';
import type { Environment } from '../runtime/config.js';
import { readTerminalConfig } from '../runtime/terminal-config.js';
import { createClient } from './client.js';
import type { Cli } from './command.js';
import { exitCodeOf, explain } from './explain.js';
import { findLogin } from './login.js';
import { createProgram } from './program.js';
import { type Clock, SYSTEM_CLOCK } from './sleep-watch.js';
import { createTerminal, type Streams } from './terminal.js';

export interface RunOptions extends Streams {
  env: Environment;
  /** Interrupts the command when this signal aborts. Default: Ctrl-C interrupts the command. */
  signal?: AbortSignal;
  /** Default: the system's clock. */
  clock?: Clock;
  onCommand?: Cli['onCommand'];
}

export async function run(
  args: readonly string[],
  { env, signal, clock = SYSTEM_CLOCK, onCommand, ...streams }: RunOptions,
): Promise<number> {
  const terminal = createTerminal(streams, { noColour: readTerminalConfig(env).noColour });
  const cli: Cli = {
    terminal,
    env,
    connect: async () => createClient(await findLogin(env)),
    interrupted: () => signal ?? nextInterrupt(),
    clock,
    ...(onCommand && { onCommand }),
  };
  try {
    // Commander's own command `help` doesn't find nested commands, as in `help webhooks create`.
    const [first, ...named] = args;
    await createProgram(cli).parseAsync(first === 'help' && named.length > 0 ? [...named, '--help'] : args, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has already printed the error; it also throws for --help and --version.
    if (error instanceof CommanderError) return error.exitCode === 0 || error.code === 'commander.help' ? 0 : 2;
    if (cli.logFailure) cli.logFailure(error);
    else terminal.note(explain(error).trimEnd());
    return exitCodeOf(error);
  }
}

/** Returns a signal that aborts at the first Ctrl-C. Listens only once, so that a second Ctrl-C ends the process at once. */
function nextInterrupt(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}
