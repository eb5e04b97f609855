// Serves GraphiQL as a single page that loads nothing from other hosts. When Hookgraph runs locally, the page contains
// the API token. The page for the console's frame uses the console's session instead.
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
  /** The API token of the local sample data, which the page contains for requests from this machine; `null`: the page contains none. */
  localToken: string | null;
  tabs: Tab[];
}

/**
 * Returns a function that returns the token when Hookgraph runs locally and the request comes from this machine. For any other
 * request, the function returns `null`.
 */
export function createLocalToken({
  host,
  baseUrl,
  localToken,
}: Pick<ExplorerOptions, 'host' | 'baseUrl' | 'localToken'>): (request: IncomingMessage) => string | null {
  const isLocalStart = isLoopback(host) && isLoopback(new URL(baseUrl).hostname);
  // Accepts only characters that need no escaping, because others could end the script element that contains the token.
  const token = isLocalStart && localToken !== null && /^[\w.~+/=-]+$/.test(localToken) ? localToken : null;
  return (request) => (token !== null && isFromHere(request) ? token : null);
}

/**
 * Creates the page's handler. Only requests from this machine get a page with the token, because loading the page needs no
 * authentication.
 */
export function createExplorer(options: ExplorerOptions): (request: IncomingMessage) => Promise<Answer> {
  const localTokenFor = createLocalToken(options);
  // There is a page with the token and one without it. Each has 9 MB, so it is rendered at its first request and then cached.
  let open: Promise<Answer> | undefined;
  let closed: Promise<Answer> | undefined;
  return (request) => {
    const token = localTokenFor(request);
    if (token !== null) {
      open ??= render(options, token);
      return open;
    }
    closed ??= render(options, null);
    return closed;
  };
}

/** Creates the handler of the page for the console's frame: it contains no token, since the browser sends the session's cookie. */
export function createFramedExplorer({ endpoint, tabs }: Pick<ExplorerOptions, 'endpoint' | 'tabs'>): () => Promise<Answer> {
  let framed: Promise<Answer> | undefined;
  return () => (framed ??= renderFramed(endpoint, tabs));
}

async function renderFramed(endpoint: string, tabs: Tab[]): Promise<Answer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const graphiql = renderGraphiQL({ endpoint, title: 'Hookgraph explorer', defaultTabs: tabs, defaultEditorToolsVisibility: 'variables' });
  const answer = page(adjust(graphiql, IN_CONSOLE, CONSOLE_THEME), { ...NEEDS, 'frame-ancestors': ["'self'"] });
  return { ...answer, headers: { ...answer.headers, 'X-Frame-Options': 'SAMEORIGIN' } };
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
    // The browser doesn't store the headers of a tab, so `additionalHeaders` supplies the token after a reload.
    shouldPersistHeaders: false,
    ...(token !== null && { additionalHeaders: authorization }),
    defaultEditorToolsVisibility: token === null ? 'headers' : 'variables',
  });
  return page(adjust(graphiql), NEEDS);
}

const adjust = (graphiql: string, style = '', script = ''): string =>
  graphiql.replace('</head>', `<style>${STYLE}${style}</style></head>`).replace('<script>', () => `<script>${EXACT_NUMBERS}${script}`);

/** Makes GraphiQL show all digits of a number in browsers that have JSON.rawJSON; others round numbers that a double can't hold. */
const EXACT_NUMBERS = `
if (JSON.rawJSON) {
  const { parse } = JSON;
  const exact = (key, value, { source }) => (typeof value === 'number' && String(value) !== source ? JSON.rawJSON(source) : value);
  JSON.parse = (text, reviver) => parse(text, reviver ?? (/\\d(?:[\\d.]{15}|[\\d.]*[eE])/.test(text) ? exact : undefined));
}
`;

/**
 * Makes GraphiQL follow the theme that the console's page names, or else the system's, without loading anything again. GraphiQL sets its
 * own theme when it starts, and the editors set theirs when they are made, so the theme is set again after each.
 */
const CONSOLE_THEME = `
{
  const shown = parent.document.documentElement;
  const system = matchMedia('(prefers-color-scheme: dark)');
  let monaco;
  const follow = () => {
    const isDark = shown.dataset.theme ? shown.dataset.theme === 'dark' : system.matches;
    document.body.classList.toggle('graphiql-dark', isDark);
    document.body.classList.toggle('graphiql-light', !isDark);
    monaco?.editor.setTheme(isDark ? 'graphiql-DARK' : 'graphiql-LIGHT');
  };
  Object.defineProperty(globalThis, '__MONACO', {
    get: () => monaco,
    set: (loaded) => {
      monaco = loaded;
      monaco.editor.onDidCreateEditor(follow);
    },
  });
  new MutationObserver(follow).observe(shown, { attributeFilter: ['data-theme'] });
  new MutationObserver(follow).observe(document.body, { attributeFilter: ['class'] });
  system.addEventListener('change', follow);
  follow();
}
`;

/** Hides GraphiQL's own choice of a theme, and the logo, because the console says where one is. */
const IN_CONSOLE = '.graphiql-dialog-section:has([data-theme]), .graphiql-container .graphiql-logo { display: none; }';

/**
 * Keeps GraphiQL's tabs in place: otherwise a pressed tab starts to be dragged, moves away from the pointer and gets no click. On a narrow
 * screen, puts the answer below the editors, and hides the side bar and the logo, for which there is no space.
 */
const STYLE = `
.graphiql-tab { transform: none !important; }
@media (max-width: 700px) {
  .graphiql-container .graphiql-sidebar, .graphiql-container .graphiql-logo, .graphiql-horizontal-drag-bar { display: none !important; }
  .graphiql-container .graphiql-sessions { margin: 0; }
  .graphiql-container #graphiql-session { flex-direction: column; gap: 8px; min-height: 0; }
  .graphiql-container #graphiql-session > div { flex: 2 1 0 !important; min-height: 0; min-width: 0; }
  .graphiql-container #graphiql-session > div:first-child { flex-grow: 3 !important; }
}
`;

/** The sources that the page's Content-Security-Policy allows: this origin's API, and inline styles and workers for GraphiQL's editor. */
const NEEDS = {
  'style-src': ["'unsafe-inline'"],
  'worker-src': ['blob:'],
  'connect-src': ["'self'"],
  'img-src': ['data:'],
  'font-src': ['data:'],
};

/** A Host header with a local name or address as browsers write it, and a port. Nothing is parsed, so no other notation counts. */
const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

/** Whether the request comes from this machine without a proxy. Its Host must be a local name, which prevents DNS rebinding. */
function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const isForwarded = Object.keys(headers).some((name) => name === 'forwarded' || name === 'via' || name.startsWith('x-forwarded-'));
  return !isForwarded && isLoopback(socket.remoteAddress ?? '') && LOCAL_HOST.test(headers.host ?? '');
}

function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::ffff:127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(address);
}
