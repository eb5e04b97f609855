// Serves GraphiQL as a single page that loads nothing from other hosts. When Hookgraph runs locally, the page contains
// the API token.
import type { IncomingMessage } from 'node:http';
import type { Answer } from './answer.js';
import type { Tab } from './app.js';
import { page } from './security-headers.js';

export interface ExplorerOptions {
  endpoint: string;
  /** The address that the API listens on. */
  host: string;
  /** The public URL of the API. */
  baseUrl: string;
  /** The token that the page fills in; it gives access only to this machine's throw-away data. `null`: the page fills in none. */
  localToken: string | null;
  tabs: Tab[];
}

/**
 * Creates the handler of the page. Only requests from this machine get a page with the token, because the page needs no
 * authentication and everyone who loads it can read the token.
 */
export function createExplorer(options: ExplorerOptions): (request: IncomingMessage) => Promise<Answer> {
  const { host, baseUrl, localToken } = options;
  const isLocalStart = isLoopback(host) && isLoopback(new URL(baseUrl).hostname);
  // The token may only have characters that need no quoting, because other characters could end the script element around it.
  const token = isLocalStart && localToken !== null && /^[\w.~+/=-]+$/.test(localToken) ? localToken : null;
  // The page has 9 MB, so it is rendered on the first request.
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
    // GraphiQL doesn't store the headers of saved tabs in the browser, so `additionalHeaders` adds the token to a reloaded tab.
    shouldPersistHeaders: false,
    ...(token !== null && { additionalHeaders: authorization }),
    defaultEditorToolsVisibility: token === null ? 'headers' : 'variables',
  });
  return page(graphiql.replace('</head>', `${STEADY_TABS}</head>`), NEEDS);
}

/**
 * Keeps GraphiQL's tabs in place: they can be dragged, so a pressed tab moves away from under the pointer and loses its
 * click.
 */
const STEADY_TABS = '<style>.graphiql-tab { transform: none !important; }</style>';

/** The page connects to this origin only. GraphiQL's editor creates inline styles and workers. */
const NEEDS = {
  'style-src': ["'unsafe-inline'"],
  'worker-src': ['blob:'],
  'connect-src': ["'self'"],
  'img-src': ['data:'],
  'font-src': ['data:'],
};

/** Whether the request comes from this machine and not through a proxy. Its Host must be a local name, against DNS rebinding. */
function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const isForwarded = Object.keys(headers).some((name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'));
  const asked = `http://${headers.host}`;
  return !isForwarded && isLoopback(socket.remoteAddress ?? '') && URL.canParse(asked) && isLoopback(new URL(asked).hostname);
}

function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::ffff:127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(address);
}
