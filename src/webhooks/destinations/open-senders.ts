// Opens one sender per kind of destination, when the process sends the first message of that kind.
import type { Guard } from '../base/network/guard.js';
import type { Destination } from './destination.js';
import { kindNamed } from './registry.js';

export interface Senders {
  /** Returns the sender of a kind, by the name of the kind's field, e.g. `sqs`. Returns a promise only while the sender is being opened. */
  of(field: string): Destination<unknown> | Promise<Destination<unknown>>;
  close(): Promise<void>;
}

export function openSenders(guard: Guard, deadlineMs: number, perOrigin: number): Senders {
  const open = new Map<string, Destination<unknown>>();
  const opening = new Map<string, Promise<Destination<unknown>>>();

  async function openOne(field: string): Promise<Destination<unknown>> {
    const sender = await kindNamed(field).open(guard, deadlineMs, perOrigin);
    open.set(field, sender);
    return sender;
  }

  return {
    of(field) {
      const known = open.get(field) ?? opening.get(field);
      if (known) return known;
      const sender = openOne(field);
      opening.set(field, sender);
      // After a failure, such as an SDK that isn't installed, the next message tries to open the sender again.
      sender.catch(() => opening.delete(field));
      return sender;
    },
    async close() {
      await Promise.allSettled(opening.values());
      await Promise.all([...open.values()].map((sender) => sender.close()));
    },
  };
}
