// Creates a client for commands that run for long: it follows the API of this machine, which may start again at another port.
import { RuntimeError } from '../runtime/runtime-error.js';
import type { Client } from './client.js';

/** `connect` finds the API, and is called again when no server answers. */
export async function createFollowingClient(connect: () => Promise<Client>): Promise<Client> {
  let client = await connect();
  const follow = async <T>(use: (client: Client) => Promise<T>): Promise<T> => {
    try {
      return await use(client);
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === 'API_UNREACHABLE')) throw error;
      const moved = await connect();
      if (moved.url === client.url) throw error;
      client = moved;
      return use(client);
    }
  };
  return {
    get url() {
      return client.url;
    },
    ask: (...args) => follow(({ ask }) => ask(...args)),
    mutate: (...args) => follow(({ mutate }) => mutate(...args)),
    list: (...args) => follow(({ list }) => list(...args)),
    schema: () => follow(({ schema }) => schema()),
  };
}
