// `hookgraph listen`: runs a local receiver that stores and prints notifications until Ctrl-C, optionally with a
// temporary subscription.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Option } from 'commander';
import { readConfig } from '../../runtime/config.js';
import { parseJson, stringifyJson } from '../../runtime/exact-json.mjs';
import { loopbackAddress } from '../../runtime/loopback.js';
import type { Scheme } from '../../verify/index.js';
import { SIGNATURE_ENUM } from '../../webhooks/fields.js';
import { type Answering, addAnswering, type Cli, type Command, collect, wholeNumber } from '../command.js';
import { createFollowingClient } from '../following-client.js';
import { type Received, splitDocuments, startLocalReceiver } from '../local-receiver.js';
import { watchSleep } from '../sleep-watch.js';
import { readSecret, readText } from '../subscription-input.js';
import { withChoices } from '../suggest.js';
import { subscribeTemporarily } from '../temporary-subscriptions.js';
import type { Terminal } from '../terminal.js';

interface ListenOptions extends Answering {
  port: number;
  host: string;
  secret?: string;
  scheme?: Scheme[];
  publicUrl?: string;
  forward?: string;
  replay?: string;
  subscribe?: string[];
  query?: string;
  app?: string;
}

export function addListen(program: Command, cli: Cli): void {
  addAnswering(
    program,
    'listen',
    'run a local receiver: POST /receive-webhooks stores and prints a notification, GET /dump-webhooks returns all notifications',
    [
      'listen --port 8080',
      'listen --subscribe user/created --subscribe user/updated',
      'listen --subscribe order/created --app ./hookgraph.ts',
      'listen --secret env:HUSH --scheme UP42 --forward http://127.0.0.1:3000/hooks',
      'listen --replay dump.json --forward http://127.0.0.1:3000/hooks',
    ],
  )
    .addOption(new Option('--port <port>', 'port to listen on').argParser(wholeNumber).default(8080))
    .option('--host <address>', 'address to listen on', loopbackAddress())
    .option(
      '--secret <secret>',
      'shared secret to verify signatures with: env:NAME, @file, or the secret itself; a notification with a wrong signature gets the status 401',
    )
    .addOption(
      withChoices(
        new Option('--scheme <scheme>', 'signature scheme to verify; can be repeated; default: SCOPE'),
        Object.keys(SIGNATURE_ENUM.values),
        true,
      ),
    )
    .option('--public-url <url>', 'URL at which Hookgraph reaches this receiver, e.g. the URL of a tunnel')
    .option('--forward <url>', 'forward each notification to this URL and return its response; its server must answer GET /ping with PONG')
    .option('--replay <file>', 'file with the output of GET /dump-webhooks, whose notifications are handled first; @- reads stdin')
    .option('--subscribe <topic>', 'subscribe to this topic until you stop; can be repeated', collect)
    .option('--query <query>', 'GraphQL query of the subscriptions that --subscribe creates; @file reads it from a file')
    .addOption(
      new Option(
        '--app <file>',
        'your file that calls createHookgraph(), where --subscribe creates subscriptions with the token in HOOKGRAPH_TOKEN; default: the API you are logged in to',
      ).env('HOOKGRAPH_APP'),
    )
    .action((options: ListenOptions) => listen(options, cli));
}

async function listen(options: ListenOptions, { terminal, env, connect, interrupted, clock }: Cli): Promise<void> {
  const signal = interrupted();
  const stdin = () => terminal.readAll();
  const given = options.secret === undefined ? null : await readSecret(options.secret, env, stdin);
  // A temporary subscription is always signed, so that its notifications can be distinguished from requests of other senders.
  const secret = given ?? (options.subscribe ? `whsec_${randomBytes(32).toString('base64')}` : null);
  const schemes = options.scheme ?? ['SCOPE'];
  const publicUrl = options.publicUrl ?? null;
  const replayed = options.replay && (await readText(options.replay.startsWith('@') ? options.replay : `@${options.replay}`, stdin));
  const receiver = await startLocalReceiver({
    host: options.host,
    port: options.port,
    verify:
      secret === null ? null : { secret, schemes, headerPrefix: readConfig(env).headerPrefix, publicUrl, takesUnsigned: given === null },
    forward: options.forward ?? null,
    before: replayed ? splitDocuments(replayed, options.replay as string) : [],
    onReceived: (received) => (options.json ? terminal.jsonLine(received) : printReceived(terminal, received)),
  });
  const undo: (() => Promise<unknown>)[] = [receiver.close];
  try {
    terminal.note(`Listening at ${receiver.url}; press Ctrl-C to stop.`);
    if (options.subscribe) {
      const app = options.app === undefined ? null : await (await import('../adopter/connect-app.js')).connectApp(options.app, env);
      if (app) undo.push(app.close);
      const client = app?.client ?? (await createFollowingClient(connect));
      const query = options.query === undefined ? null : await readText(options.query, stdin);
      const { wake, unsubscribe } = await subscribeTemporarily(client, {
        callbackUrl: publicUrl ?? receiver.url,
        topics: [...new Set(options.subscribe)],
        fields: { query, sharedSecret: secret, signatures: schemes },
        note: terminal.note,
      });
      undo.push(unsubscribe);
      undo.push(
        watchSleep(clock, async (sinceMs, sleptMs) => {
          const lines = await wake(sinceMs);
          terminal.note(`This machine slept for ${Math.round(sleptMs / 60_000)} min.`);
          lines.forEach(terminal.note);
        }),
      );
      terminal.note(`Subscribed to ${options.subscribe.join(', ')} until you stop.`);
    }
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    for (const step of undo.reverse()) await step();
  }
  terminal.note(`Received ${receiver.count()} ${receiver.count() === 1 ? 'notification' : 'notifications'}.`);
}

function printReceived(terminal: Terminal, { key, at, headers, body, verdicts, forwarded }: Received): void {
  const topic = Object.entries(headers).find(([name]) => name.endsWith('-topic'))?.[1];
  const words = [
    key === null ? 'refused' : `key ${key}`,
    String(headers['content-type'] ?? 'no content type'),
    topic && String(topic),
    `${Buffer.byteLength(body)} bytes`,
  ];
  terminal.say(`${terminal.paint('dim', at)} ${words.filter(Boolean).join(', ')}`);
  const isStored = key !== null;
  for (const verdict of verdicts)
    if (verdict.ok) terminal.say(`  ${terminal.paint('green', '✓')} ${verdict.scheme}: the signature is valid`);
    else if (!isStored) terminal.say(`  ${terminal.paint('red', '✗')} ${verdict.code}: ${verdict.message}`);
  if (isStored && verdicts.some(({ ok }) => !ok))
    terminal.say(`  ${terminal.paint('yellow', '–')} not signed: it comes from another subscription, or from \`trigger\``);
  if (forwarded !== null)
    terminal.say(`  ${terminal.paint(typeof forwarded === 'number' && forwarded < 300 ? 'green' : 'red', '→')} ${forwarded}`);
  terminal.say(pretty(body));
}

function pretty(body: string): string {
  try {
    return stringifyJson(parseJson(body), null, 2);
  } catch {
    return body;
  }
}
