// Serves GraphiQL as a single page with everything inlined, without other hosts. On a local start, the token is filled
// in.
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
  /** A token that only opens this machine's throw-away data; `null`: nothing is filled in. */
  localToken: string | null;
  tabs: Tab[];
}

/**
 * The page needs no authentication, so everyone who can load it can read a token in it. Hence only requests from this
 * machine get the token.
 */
export function createExplorer(options: ExplorerOptions): (request: IncomingMessage) => Promise<Answer> {
  const { host, baseUrl, localToken } = options;
  const isLocalStart = isLoopback(host) && isLoopback(new URL(baseUrl).hostname);
  // Only characters that need no quoting, because others could end the script element that contains the token.
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
    // The browser drops the headers of saved tabs; where the token is known, `additionalHeaders` makes a reloaded tab
    // work.
    shouldPersistHeaders: false,
    ...(token !== null && { additionalHeaders: authorization }),
    defaultEditorToolsVisibility: token === null ? 'headers' : 'variables',
  });
  return page(graphiql.replace('</head>', `${STEADY_TABS}</head>`), NEEDS);
}

/**
 * GraphiQL's tabs can be dragged: a pressed tab moves away from under the pointer, and its click is lost. This keeps
 * them in place.
 */
const STEADY_TABS = '<style>.graphiql-tab { transform: none !important; }</style>';

/** The page connects to this origin only; the editor creates its styles and workers itself. */
const NEEDS = {
  'style-src': ["'unsafe-inline'"],
  'worker-src': ['blob:'],
  'connect-src': ["'self'"],
  'img-src': ['data:'],
  'font-src': ['data:'],
};

/**
 * Whether the request comes from this machine, to one of its local names (against DNS rebinding), and not through a
 * proxy.
 */
function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const isForwarded = Object.keys(headers).some((name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'));
  const asked = `http://${headers.host}`;
  return !isForwarded && isLoopback(socket.remoteAddress ?? '') && URL.canParse(asked) && isLoopback(new URL(asked).hostname);
}

function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::ffff:127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(address);
}
