// Keeps a server running when its output fails: a log on a full disk, a pipe whose reader has ended, or a pipe that nobody reads.
import { roleField } from '../runtime/process-role.js';

/** Maximum number of bytes that wait for a slow reader; further lines are lost. */
const MOST_WAITING = 1_048_576;

/** Milliseconds for which an ending process waits for the reader of its output. */
const END_MS = 1_000;

type Output = NodeJS.WriteStream & { _handle?: { setBlocking?(isBlocking: boolean): void } };

/**
 * Changes the process's output so that writing to it never throws, blocks or ends the process. Lines that can't be written are lost, and
 * their number is written once a reader has caught up.
 */
export function outlastOutput(...streams: Output[]): void {
  for (const stream of streams) {
    stream.removeAllListeners('error').on('error', () => {});
    // Node may write to a pipe synchronously, which would block the process while the pipe is full.
    if (!stream.isTTY) stream._handle?.setBlocking?.(false);
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    let lost = 0;
    stream.write = (...args: unknown[]): boolean => {
      const done = args.findLast((arg) => typeof arg === 'function') as (() => void) | undefined;
      // At its end, the process writes an empty text to learn when all output is written. Ends the wait, because perhaps nobody reads.
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
