// Lets a server outlast its output: a log on a full disk, a pipe whose reader has ended, or one that nobody reads.
import { roleField } from '../runtime/process-role.js';

/** Bytes that wait for a slow reader before lines are lost. */
const MOST_WAITING = 1_048_576;

/** Milliseconds that the end of the process waits for the reader. */
const END_MS = 1_000;

type Output = NodeJS.WriteStream & { _handle?: { setBlocking?(isBlocking: boolean): void } };

/**
 * Changes the process's output so that writing to it neither throws, ends the process nor waits. Lines that can't be written are lost; how
 * many is written once a reader has caught up.
 */
export function outlastOutput(...streams: Output[]): void {
  for (const stream of streams) {
    stream.removeAllListeners('error').on('error', () => {});
    // Node's documentation permits synchronous writes to a pipe, with which the process would stand still behind a full one.
    if (!stream.isTTY) stream._handle?.setBlocking?.(false);
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    let lost = 0;
    stream.write = (...args: unknown[]): boolean => {
      const done = args.findLast((arg) => typeof arg === 'function') as (() => void) | undefined;
      // An empty text asks whether all before it is written, at the end of the process; perhaps nobody reads it.
      if (done && args[0] === '') setTimeout(done, END_MS);
      try {
        if (stream.writableLength > MOST_WAITING) lost += 1;
        else {
          if (lost > 0)
            write(
              `${JSON.stringify({ level: 'warn', time: new Date().toISOString(), ...roleField(), lines: lost, msg: 'lines of this log were lost; nobody read them' })}\n`,
            );
          lost = 0;
          return write(...args);
        }
      } catch {
        lost += 1;
      }
      done?.();
      return true;
    };
  }
}
