// An address and a token in, who that is out; kept for the other commands, in a file for its owner alone.

import { readConfig } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { type Client, createClient, normalizeUrl } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { findLogin, forgetLogin, localUrl, loginFile, saveLogin } from '../login.js';

export function addLogin(program: Command, cli: Cli): void {
  const { terminal, env } = cli;
  addAnswering(program, 'login', 'keep an API token for the other commands; it is asked for without echo, or read from stdin', [
    'login --url https://hooks.example.com',
    'login < token.txt',
  ])
    .option('--url <url>', 'of the Hookgraph; default: HOOKGRAPH_URL, else the local one')
    .option('--token <token>', 'seen in the list of processes while this runs: better let it be asked for')
    .action(async (options: Answering & { url?: string; token?: string }) => {
      const config = readConfig(env);
      const url = normalizeUrl(options.url ?? config.url ?? localUrl(config));
      if (url.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url))
        terminal.note(`The token goes to ${url} unencrypted: use https where you can.`);
      const token = options.token ?? (await terminal.readSecret(`API token for ${url}: `));
      if (token === '') throw new RuntimeError('TOKEN_MISSING', 'No token was given', 'Type it, pipe it in, or pass --token.');
      const who = await whoIs(createClient({ url, token }));
      await saveLogin(env, { url, token });
      if (options.json) terminal.json({ url, ...who });
      else terminal.say(`Logged in at ${url} as ${who.name} of ${who.organization}. The token is in ${loginFile(env)}.`);
    });
  addAnswering(program, 'logout', 'forget the token that `login` keeps', ['logout']).action(async (options: Answering) => {
    const wasLoggedIn = await forgetLogin(env);
    if (options.json) terminal.json({ wasLoggedIn });
    else if (wasLoggedIn) terminal.say('Logged out. The token itself still works: revoke it with `revokeApiToken`.');
    else terminal.say('You were not logged in.');
  });
  addAnswering(program, 'whoami', 'tell where and as whom the other commands ask', ['whoami']).action(async (options: Answering) => {
    const { url, token, source } = await findLogin(env);
    const who = await whoIs(createClient({ url, token }));
    if (options.json) terminal.json({ url, ...who, source });
    else
      terminal.details([
        ['user', who.name],
        ['organization', who.organization],
        ['at', url],
        ['token from', source],
      ]);
  });
}

interface Who {
  id: string;
  name: string;
  organization: string | null;
}

async function whoIs(client: Client): Promise<Who> {
  const { viewer } = await client.ask('{ viewer { id name organization { name } } }');
  if (!viewer) throw new RuntimeError('NOT_AUTHENTICATED', `Nobody at ${client.url} has this token`);
  return { id: viewer.id, name: viewer.name, organization: viewer.organization?.name ?? null };
}
