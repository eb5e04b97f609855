// Starts the programs of the bench as child processes and measures their CPU time and memory.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface Program {
  child: ChildProcess;
  pid: number;
  /** All output so far. */
  output(): string;
  /** Resolves with the next message that the program sends; rejects when the program ends. */
  message<T>(): Promise<T>;
  /** Sends the signal and waits until the program has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOOKGRAPH = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));

/** Starts a file of `baseline/` or of this folder. */
export function startProgram(file: string, env: Record<string, string> = {}): Program {
  return launch(['--import', 'tsx', fileURLToPath(new URL(file, import.meta.url))], env, { ipc: true });
}

/** Starts the built product and resolves when it prints that it is ready. */
export async function startHookgraph(
  command: 'worker' | 'api' | 'serve',
  env: Record<string, string>,
  nodeOptions: string[] = [],
): Promise<Program & { url: string }> {
  const program = launch([...nodeOptions, HOOKGRAPH, command], env, { ipc: false });
  const url = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const text = program.output();
      const told =
        command === 'worker'
          ? /the worker is running/.exec(text)
          : /"the API is running","url":"([^"]+)"|API\s+(http:\/\/[^\s/]+)/.exec(text);
      if (told) resolve(told[1] ?? told[2] ?? '');
    };
    for (const stream of [program.child.stdout, program.child.stderr]) stream?.on('data', look);
    program.child.once('exit', (code) => reject(new Error(`hookgraph ${command} ended with ${code}:\n${program.output()}`)));
  });
  return { ...program, url };
}

/** Runs `npm …` in this project. */
export function startNpm(args: string[], env: Record<string, string | undefined>): Program {
  // npm gives its children its own path; without that variable, npm is found through the PATH.
  const [command, ...before] = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ['npm'];
  return launch([...before, ...args], env, { command, ipc: false });
}

/** The running children, which are killed when the bench exits. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function launch(
  args: string[],
  env: Record<string, string | undefined>,
  { command = process.execPath, ipc }: { command?: string; ipc: boolean },
): Program {
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const exited = once(child, 'exit');
  running.add(child);
  child.once('exit', () => running.delete(child));
  return {
    child,
    pid: child.pid as number,
    output: () => output,
    message<T>() {
      const next = Promise.race([
        once(child, 'message').then(([message]) => message as T),
        exited.then(([code]) => {
          throw new Error(`${args.at(-1)} ended with ${code}:\n${output}`);
        }),
      ]);
      // The caller may fail for another reason before it awaits `next`. Then that reason must be reported, instead of this rejection.
      next.catch(() => {});
      return next;
    },
    async stop(signal = 'SIGTERM') {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await exited;
    },
  };
}

interface Stat {
  pid: number;
  parent: number;
  ownMs: number;
  /** Milliseconds of CPU time used by children that have ended. */
  endedMs: number;
}

/** Milliseconds of CPU time that a process and its running or ended children have used; NaN when the system doesn't report them. */
export function cpuMs(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (statOf(Number(name)) ?? []) : []));
  let sum = 0;
  const add = (one: Stat) => {
    sum += one.ownMs + one.endedMs;
    for (const child of all) if (child.parent === one.pid) add(child);
  };
  const own = all.find((one) => one.pid === pid);
  if (own) add(own);
  return sum;
}

/** The peak memory of a process so far, in MB (10⁶ bytes). */
export function peakMemoryMb(pid: number): number {
  if (process.platform !== 'linux') return Number.NaN;
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) * 1024) / 1e6;
}

export function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) && statOf(Number(name))?.parent === pid ? [Number(name)] : []));
}

const TICK_MS = 10;

function statOf(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is a name in brackets and may contain any character.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const at = (field: number) => fields[field - 3] as number;
    return { pid, parent: at(4), ownMs: (at(14) + at(15)) * TICK_MS, endedMs: (at(16) + at(17)) * TICK_MS };
  } catch {
    return null;
  }
}
