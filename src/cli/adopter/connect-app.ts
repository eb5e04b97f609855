// Creates a client that calls the API of the `--app` application within this process, so that no server needs to run.
import { type Environment, readConfig } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { type Client, createClient, DEFAULT_HEADER } from '../client.js';
import { loadApp } from './load-app.js';

/** Loads the application and creates the client. @throws RuntimeError `TOKEN_MISSING` without HOOKGRAPH_TOKEN, and loadApp's errors */
export async function connectApp(path: string, env: Environment): Promise<{ client: Client; close(): Promise<void> }> {
  const { token, authHeader } = readConfig(env);
  if (token === null)
    throw new RuntimeError(
      'TOKEN_MISSING',
      'No token for your application is set',
      'Set HOOKGRAPH_TOKEN to a token that your application accepts, and HOOKGRAPH_AUTH_HEADER to the header that sends it, like `X-Api-Key: {token}`.',
    );
  const hooks = await loadApp(path);
  const client = createClient({ url: 'http://localhost', token, header: authHeader ?? DEFAULT_HEADER, send: hooks.handler });
  return { client, close: () => hooks.close() };
}
