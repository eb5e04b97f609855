// `hookgraph login`: stores the API's URL and a token for the other commands, in a file that only its owner can read.

import { readConfig } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { createClient, DEFAULT_HEADER, normalizeUrl } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { findLogin, forgetLogin, localUrl, loginFile, saveLogin } from '../login.js';
import { nameOf, whoIs } from '../who-is.js';

export function addLogin(program: Command, cli: Cli): void {
  const { terminal, env } = cli;
  addAnswering(program, 'login', 'keep an API token for the other commands; it is asked for without echo, or read from stdin', [
    'login --url https://hooks.example.com',
    "login --url https://api.acme.example/graphql --header 'X-Api-Key: {token}'",
    'login < token.txt',
  ])
    .option('--url <url>', 'the API: its endpoint, or the host of a Hookgraph; default: HOOKGRAPH_URL, else the local one')
    .option('--header <header>', `how the token is sent; default: HOOKGRAPH_AUTH_HEADER, else \`${DEFAULT_HEADER}\``)
    .option('--token <token>', 'seen in the list of processes while this runs: better let it be asked for')
    .action(async (options: Answering & { url?: string; token?: string; header?: string }) => {
      const config = readConfig(env);
      const url = normalizeUrl(options.url ?? config.url ?? localUrl(config));
      if (url.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url))
        terminal.note(`The token goes to ${url} unencrypted: use https where you can.`);
      const token = options.token ?? (await terminal.readSecret(`API token for ${url}: `));
      if (token === '') throw new RuntimeError('TOKEN_MISSING', 'No token was given', 'Type it, pipe it in, or pass --token.');
      const header = options.header ?? config.authHeader ?? DEFAULT_HEADER;
      const who = await whoIs(createClient({ url, token, header }));
      await saveLogin(env, { url, token, header });
      if (options.json) terminal.json({ url, ...who });
      else terminal.say(`Logged in at ${url}${who ? ` as ${nameOf(who)}` : ''}. The token is in ${loginFile(env)}.`);
    });
  addAnswering(program, 'logout', 'forget the token that `login` keeps', ['logout']).action(async (options: Answering) => {
    const wasLoggedIn = await forgetLogin(env);
    if (options.json) terminal.json({ wasLoggedIn });
    else if (wasLoggedIn) terminal.say('Logged out. The token itself still works: revoke it with `revokeApiToken`.');
    else terminal.say('You were not logged in.');
  });
  addAnswering(program, 'whoami', 'tell where and as whom the other commands ask', ['whoami']).action(async (options: Answering) => {
    const { source, ...login } = await findLogin(env);
    const { url } = login;
    const who = await whoIs(createClient(login));
    if (options.json) terminal.json({ url, ...who, source });
    else
      terminal.details([
        ['user', who?.name ?? null],
        ['organization', who?.organization ?? null],
        ['at', url],
        ['token from', source],
      ]);
  });
}
