// Opens the senders of a process, each with the first message of its kind.
import type { Guard } from '../base/network/guard.js';
import type { Destination } from './destination.js';
import { kindNamed } from './registry.js';

export interface Senders {
  /** The sender of a kind, by the name of its field; a promise only until it is open. */
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
      // A failure, such as an SDK that isn't installed yet, must not last until the next start.
      sender.catch(() => opening.delete(field));
      return sender;
    },
    async close() {
      await Promise.allSettled(opening.values());
      await Promise.all([...open.values()].map((sender) => sender.close()));
    },
  };
}
