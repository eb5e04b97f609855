// Closes a connection without waiting for the server, which may be silent.
import type { ClientBase } from 'pg';

export function closeNow(client: ClientBase): void {
  void (client as ClientBase & { end(): Promise<void> }).end().catch(() => {});
  (client as unknown as { connection?: { stream: { destroy(): void } } }).connection?.stream.destroy();
}
