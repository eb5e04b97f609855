// Answers requests for the console's page and files, which `npm run build` has written to dist/console.
import { randomBytes } from 'node:crypto';
import type { GraphQLSchema } from 'graphql';
import { type BuiltConsole, readBuild } from './built-files.js';
import { namesFor } from './names.js';

export interface PagesOptions {
  /** The path of the console without a trailing slash, such as `/console`. */
  path: string;
  /** The path of the GraphQL endpoint, to which the browser sends the operations. */
  endpoint: string;
  /** `TOKEN`: the console signs in with an API token. `HOST`: the application around it has signed the user in. */
  signIn: 'TOKEN' | 'HOST';
  /** The path of the page that shows the explorer in a frame; `null`: there is no explorer. */
  explorer: string | null;
  /** Returns the schema that the endpoint serves. */
  schema(): GraphQLSchema;
}

export interface ConsoleRequest {
  /** The request's path, which begins with the console's path. */
  pathname: string;
  acceptEncoding?: string | undefined;
  cookie?: string | undefined;
}

export interface ConsoleAnswer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
}

/** Every directive of a page's policy; `R` stands for the page's nonce. https://www.w3.org/TR/CSP3/ */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'nonce-R'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "worker-src 'self'",
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The cookie in which the console keeps the chosen theme, so that the page has it before its script runs. */
const THEME = /(?:^|;\s*)hookgraph-theme=(light|dark)(?:;|$)/;

/** Makes the function that answers requests below the console's path. The files are read at the first request. */
export function createPages(options: PagesOptions): (request: ConsoleRequest) => ConsoleAnswer {
  let build: BuiltConsole | undefined;
  let config: string | undefined;
  return ({ pathname, acceptEncoding, cookie }) => {
    build ??= readBuild();
    const name = pathname.slice(options.path.length + 1);
    if (name.startsWith('assets/')) return answerFile(build, name, acceptEncoding ?? '');
    config ??= escapeJson({ ...without(options), ...namesFor(options.schema()) });
    const nonce = randomBytes(16).toString('base64');
    const theme = THEME.exec(cookie ?? '')?.[1];
    return {
      status: 200,
      headers: {
        'Content-Type': 'text/html; charset=utf-8',
        'Cache-Control': 'no-store',
        'Content-Security-Policy': POLICY.replace('R', nonce),
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
      },
      body: pageOf(build, { path: options.path, config, nonce, theme }),
    };
  };
}

const without = ({ path, endpoint, signIn, explorer }: PagesOptions) => ({ path, endpoint, signIn, explorer });

function answerFile(build: BuiltConsole, name: string, acceptEncoding: string): ConsoleAnswer {
  const file = build.file(name);
  if (!file) return { status: 404, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: 'This file does not exist.' };
  const encoding = file.br && /\bbr\b/.test(acceptEncoding) ? 'br' : file.gzip && /\bgzip\b/.test(acceptEncoding) ? 'gzip' : null;
  return {
    status: 200,
    headers: {
      'Content-Type': file.contentType,
      // The name of a file contains the hash of its content.
      'Cache-Control': 'public, max-age=31536000, immutable',
      Vary: 'Accept-Encoding',
      'X-Content-Type-Options': 'nosniff',
      ...(encoding && { 'Content-Encoding': encoding }),
    },
    body: (encoding && file[encoding]) || file.plain,
  };
}

interface PageParts {
  path: string;
  config: string;
  nonce: string;
  theme: string | undefined;
}

function pageOf(build: BuiltConsole, { path, config, nonce, theme }: PageParts): string {
  const styles = build.styles.map((name) => `<link rel="stylesheet" crossorigin href="${path}/${name}">`);
  const preloads = build.imports.map((name) => `<link rel="modulepreload" crossorigin href="${path}/${name}">`);
  return `<!doctype html>
<html lang="en"${theme ? ` data-theme="${theme}"` : ''}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta property="csp-nonce" nonce="${nonce}">
<title>Hookgraph</title>
<link rel="icon" href="data:image/svg+xml,${ICON}">
${[...styles, ...preloads].join('\n')}
<script type="application/json" id="console-config">${config}</script>
<script type="module" crossorigin src="${path}/${build.entry}"></script>
</head>
<body><div id="root"></div><noscript>The console needs JavaScript.</noscript></body>
</html>
`;
}

const ICON = encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#4f46e5"/>' +
    '<path d="M11 8v8a5 5 0 0 0 10 0v-3M21 9.500v.1" fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>',
);

/** Returns JSON in which nothing can end the script element that contains it. */
const escapeJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');
