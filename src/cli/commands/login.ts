// `hookgraph login`: stores the API's URL and a token for the other commands, in a file that only its owner can read.

import { readConfig } from '../../runtime/config.js';
import { RuntimeError } from '../../runtime/runtime-error.js';
import { createClient, DEFAULT_HEADER, normalizeUrl } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command } from '../command.js';
import { localUrl } from '../local-api.js';
import { findLogin, forgetLogin, loginFile, saveLogin } from '../login.js';
import { nameOf, whoIs } from '../who-is.js';

export function addLogin(program: Command, cli: Cli): void {
  const { terminal, env } = cli;
  addAnswering(
    program,
    'login',
    'store an API token for the other commands; login asks for the token without showing it, or reads it from stdin',
    [
      'login --url https://hooks.example.com',
      "login --url https://api.acme.example/graphql --header 'X-Api-Key: {token}'",
      'login < token.txt',
    ],
  )
    .option('--url <url>', 'URL of the API endpoint or of the Hookgraph server; default: HOOKGRAPH_URL, or else the local API')
    .option('--header <header>', `header that sends the token; default: HOOKGRAPH_AUTH_HEADER, or else \`${DEFAULT_HEADER}\``)
    .option('--token <token>', 'the API token; other users can see it in the list of processes, so rather type it when login asks')
    .action(async (options: Answering & { url?: string; token?: string; header?: string }) => {
      const config = readConfig(env);
      const url = normalizeUrl(options.url ?? config.url ?? (await localUrl(config)));
      if (url.startsWith('http:') && !/^http:\/\/(localhost|127\.|\[::1\])/.test(url))
        terminal.note(`Warning: the token is sent to ${url} unencrypted. Use https if you can.`);
      const token = options.token ?? (await terminal.readSecret(`API token for ${url}: `));
      if (token === '') throw new RuntimeError('TOKEN_MISSING', 'No token was given', 'Type the token, pipe it to stdin, or pass --token.');
      const header = options.header ?? config.authHeader ?? DEFAULT_HEADER;
      const who = await whoIs(createClient({ url, token, header }));
      await saveLogin(env, { url, token, header });
      if (options.json) terminal.json({ url, ...who });
      else terminal.say(`Logged in at ${url}${who ? ` as ${nameOf(who)}` : ''}. The token is in ${loginFile(env)}.`);
    });
  addAnswering(program, 'logout', 'delete the token that `login` stored', ['logout']).action(async (options: Answering) => {
    const wasLoggedIn = await forgetLogin(env);
    if (options.json) terminal.json({ wasLoggedIn });
    else if (wasLoggedIn) terminal.say('Logged out. The token itself still works: revoke it with `revokeApiToken`.');
    else terminal.say('You were not logged in.');
  });
  addAnswering(program, 'whoami', 'show which API and which user the other commands use', ['whoami']).action(async (options: Answering) => {
    const { source, ...login } = await findLogin(env);
    const { url } = login;
    const who = await whoIs(createClient(login));
    if (options.json) terminal.json({ url, ...who, source });
    else
      terminal.details([
        ['user', who?.name ?? null],
        ['organization', who?.organization ?? null],
        ['scope', who?.scope ?? null],
        ['expires', who?.expiresAt ?? null],
        ['at', url],
        ['token from', source],
      ]);
  });
}
