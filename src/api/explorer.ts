// A request in, GraphiQL as one page out: everything inlined, no outside host, the token filled in on a local start.
import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.js';
import type { Tab } from './app.js';
import { page } from './security-headers.js';

export interface ExplorerOptions {
  endpoint: string;
  /** Where the API listens. */
  host: string;
  /** Public address of the API. */
  baseUrl: string;
  /** A token that opens nothing but this machine's throw-away data; null: nothing is filled in. */
  localToken: string | null;
  tabs: Tab[];
}

/** The page needs no authentication, so a token in it is everybody's who reaches it: nobody beyond this machine may. */
export function createExplorer(options: ExplorerOptions): (request: IncomingMessage) => Promise<Answer> {
  const { host, baseUrl, localToken } = options;
  const isLocalStart = isLoopback(host) && isLoopback(new URL(baseUrl).hostname);
  // What needs no quoting: anything else could end the script that it stands in.
  const token = isLocalStart && localToken !== null && /^[\w.~+/=-]+$/.test(localToken) ? localToken : null;
  // 9 MB: loaded and rendered when somebody asks for it first.
  let open: Promise<Answer> | undefined;
  let closed: Promise<Answer> | undefined;
  return (request) => {
    if (token !== null && isFromHere(request)) {
      open ??= render(options, token);
      return open;
    }
    closed ??= render(options, null);
    return closed;
  };
}

async function render({ endpoint, tabs }: ExplorerOptions, token: string | null): Promise<Answer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const authorization = { Authorization: `Token token=${token ?? '<your token>'}` };
  const headers = JSON.stringify(authorization, null, 2);
  const graphiql = renderGraphiQL({
    endpoint,
    title: 'Hookgraph explorer',
    headers,
    defaultTabs: tabs.map((tab) => ({ ...tab, headers })),
    // The browser forgets the headers of its tabs; a reloaded tab still works where we know the token.
    shouldPersistHeaders: false,
    ...(token !== null && { additionalHeaders: authorization }),
    defaultEditorToolsVisibility: token === null ? 'headers' : 'variables',
  });
  return page(graphiql.replace('</head>', `${STEADY_TABS}</head>`), NEEDS);
}

/** GraphiQL lets tabs be dragged, and a tab that is pressed first jumps out from under the pointer: its click is lost. */
const STEADY_TABS = '<style>.graphiql-tab { transform: none !important; }</style>';

/** It talks to this origin; the editor makes its styles and workers itself. */
const NEEDS = {
  'style-src': ["'unsafe-inline'"],
  'worker-src': ['blob:'],
  'connect-src': ["'self'"],
  'img-src': ['data:'],
  'font-src': ['data:'],
};

/** From this machine, to a name of this machine (against DNS rebinding), and by no proxy. */
function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const isForwarded = Object.keys(headers).some((name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'));
  const asked = `http://${headers.host}`;
  return !isForwarded && isLoopback(socket.remoteAddress ?? '') && URL.canParse(asked) && isLoopback(new URL(asked).hostname);
}

function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::ffff:127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(address);
}
