// Starts a render process and talks to it: sends jobs, receives progress, and reports why it ended.
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { packageFile } from '../../../runtime/package-file.js';
import { HEAP_MB, type Job, type Progress } from './rendering.mjs';

export interface RenderChild {
  send(jobs: Job[]): void;
  /** Sets whether the render process keeps this process alive, which it must not do while it is idle. */
  hold(working: boolean): void;
  /** Resolves once the process has ended. */
  kill(): Promise<void>;
}

/**
 * Why a render process ended. `template`: one of its current jobs caused it; `culprit` is that job's id, if known. `unknown`: something
 * else ended it, or it could not start.
 */
export type Death = { by: 'template' | 'unknown'; culprit?: number; message: string };

const entry = (): string => packageFile(import.meta.url, './render-process.mjs', 'dist/webhooks/base/templates/render-process.mjs');
const OPTIONS = ['--no-warnings', `--max-old-space-size=${HEAP_MB}`];

interface Referable {
  ref?(): void;
  unref?(): void;
}

/** Starts a render process. `low`: it runs with a lower CPU priority than other processes. */
export function startRenderChild(low: boolean, onProgress: (progress: Progress[]) => void, onDeath: (death: Death) => void): RenderChild {
  // The child gets no environment variables, arguments or file descriptors of this process, so that templates can't reach secrets.
  let child: ChildProcess;
  try {
    child = fork(entry(), [], { execArgv: OPTIONS, env: {}, serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  } catch (error) {
    // The system can't start another process.
    setImmediate(() => onDeath({ by: 'unknown', message: `starting a render process failed: ${(error as Error).message}` }));
    return { send: () => {}, hold: () => {}, kill: async () => {} };
  }
  let stderrText = '';
  let dead = false;
  const died = new Promise<void>((resolve) => {
    const end = (why: string) => {
      if (dead) return;
      dead = true;
      resolve();
      onDeath(read(stderrText, why));
    };
    // `close` instead of `exit`, since stderr may not be read completely at `exit`.
    child.on('close', (code, signal) => end(signal ?? `exit code ${code}`));
    child.on('error', (error) => child.pid === undefined && end(error.message));
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrText = (stderrText + text).slice(-4000);
  });
  child.on('message', (progress) => onProgress(progress as Progress[]));
  const parts = [child, child.channel, child.stderr as unknown as Referable | null];
  const hold = (working: boolean) => {
    for (const part of parts) working ? part?.ref?.() : part?.unref?.();
  };
  hold(false);
  if (low && child.pid !== undefined) lower(child.pid);
  return {
    // Ignores errors: a broken pipe means that the process ended, and `close` reports that.
    send: (jobs) => void (child.connected && child.send(jobs, () => {})),
    hold,
    kill: () => {
      if (!dead) hold(true);
      child.kill('SIGKILL');
      return died;
    },
  };
}

/** The nice value of a process for slow templates: on a busy machine it gets a tenth of what Postgres and the worker get. */
const LOW_PRIORITY = 10;

function lower(pid: number): void {
  try {
    setPriority(pid, LOW_PRIORITY);
  } catch {
    // The process has ended already, or the system doesn't support priorities.
  }
}

function read(stderrText: string, why: string): Death {
  const [, ms, id] = /overstayed (\d+) ms in (\d+)/.exec(stderrText) ?? [];
  if (id !== undefined)
    return {
      by: 'template',
      culprit: Number(id),
      message: `template render limit exceeded: rendering was stopped after ${ms} ms of CPU time`,
    };
  if (/heap out of memory|Fatal|FATAL|Allocation failed/.test(stderrText))
    return { by: 'template', message: `template memory limit exceeded: a rendering may use ${HEAP_MB} MB` };
  return {
    by: 'unknown',
    message: `the render process ended unexpectedly: ${why}${stderrText === '' ? '' : `: ${stderrText.slice(0, 1000)}`}`,
  };
}
