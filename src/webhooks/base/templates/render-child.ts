// One render process, seen from the engine's: jobs go in, progress comes out, and why it ended.
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { packageFile } from '../../../runtime/package-file.js';
import { HEAP_MB, type Job, type Progress } from './rendering.mjs';

export interface RenderChild {
  send(jobs: Job[]): void;
  /** Whether its process is waited for: an idle one keeps nobody alive. */
  hold(working: boolean): void;
  /** Resolves when it has ended. */
  kill(): Promise<void>;
}

/**
 * `template`: by one of the jobs that it had in hand, `culprit` where that is known; `unknown`: by somebody else, or because it could
 * not start.
 */
export type Death = { by: 'template' | 'unknown'; culprit?: number; message: string };

const entry = (): string => packageFile(import.meta.url, './render-process.mjs', 'dist/webhooks/base/templates/render-process.mjs');
const OPTIONS = ['--no-warnings', `--max-old-space-size=${HEAP_MB}`];

interface Referable {
  ref?(): void;
  unref?(): void;
}

/** `low`: leaves the processor to everybody else first. */
export function startRenderChild(low: boolean, onProgress: (progress: Progress[]) => void, onDeath: (death: Death) => void): RenderChild {
  // Nothing of ours goes along: no variable, no argument, no file descriptor.
  let child: ChildProcess;
  try {
    child = fork(entry(), [], { execArgv: OPTIONS, env: {}, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  } catch (error) {
    // The system has no room for another process.
    setImmediate(() => onDeath({ by: 'unknown', message: `a render process could not start: ${(error as Error).message}` }));
    return { send: () => {}, hold: () => {}, kill: async () => {} };
  }
  let said = '';
  let dead = false;
  const died = new Promise<void>((resolve) => {
    const end = (why: string) => {
      if (dead) return;
      dead = true;
      resolve();
      onDeath(read(said, why));
    };
    // Not `exit`: its last words would be lost.
    child.on('close', (code, signal) => end(signal ?? `exit code ${code}`));
    child.on('error', (error) => child.pid === undefined && end(error.message));
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000);
  });
  child.on('message', (progress) => onProgress(progress as Progress[]));
  const parts = [child, child.channel, child.stderr as unknown as Referable | null];
  const hold = (working: boolean) => {
    for (const part of parts) working ? part?.ref?.() : part?.unref?.();
  };
  hold(false);
  if (low && child.pid !== undefined) lower(child.pid);
  return {
    // A pipe that broke is a death, told by `close`.
    send: (jobs) => void (child.connected && child.send(jobs, () => {})),
    hold,
    kill: () => {
      if (!dead) hold(true);
      child.kill('SIGKILL');
      return died;
    },
  };
}

function lower(pid: number): void {
  try {
    setPriority(pid, 5);
  } catch {
    // It is gone already, or the system knows no priorities.
  }
}

function read(said: string, why: string): Death {
  const [, ms, id] = /overstayed (\d+) ms in (\d+)/.exec(said) ?? [];
  if (id !== undefined)
    return { by: 'template', culprit: Number(id), message: `template render limit exceeded: ended after ${ms} ms of computing` };
  if (/heap out of memory|Fatal|FATAL|Allocation failed/.test(said))
    return { by: 'template', message: `memory limit exceeded: a rendering has ${HEAP_MB} MB` };
  return { by: 'unknown', message: `a render process ended: ${why}${said === '' ? '' : `: ${said.slice(0, 1000)}`}` };
}
