// Serves the console in an adopter's application, as a Fetch handler below a path of the adopter's.
import type { GraphQLSchema } from 'graphql';
import { createPages } from './pages.js';

export interface ConsoleOptions {
  /** The path of the console in the application, such as `/admin/webhooks`. */
  path: string;
  /** The path at which the application serves GraphQL with Hookgraph's API, such as `/graphql`. */
  endpoint: string;
}

/** @param schema returns the schema that the endpoint serves, once the catalog is read */
export function mountConsole(
  { path, endpoint }: ConsoleOptions,
  schema: () => Promise<GraphQLSchema>,
): (request: Request) => Promise<Response> {
  const base = path.replace(/\/+$/, '');
  let served: GraphQLSchema;
  const pages = createPages({ path: base, endpoint, signIn: 'HOST', explorer: null, schema: () => served });
  return async ({ url, method, headers }) => {
    if (method !== 'GET' && method !== 'HEAD')
      return new Response('Only GET is allowed here.', { status: 405, headers: { Allow: 'GET, HEAD' } });
    served = await schema();
    const { pathname } = new URL(url);
    if (pathname !== base && !pathname.startsWith(`${base}/`)) return new Response('The console is at another path.', { status: 404 });
    const answer = pages({
      pathname,
      acceptEncoding: headers.get('accept-encoding') ?? undefined,
      cookie: headers.get('cookie') ?? undefined,
    });
    const body = typeof answer.body === 'string' ? answer.body : new Uint8Array(answer.body);
    return new Response(method === 'HEAD' ? null : body, { status: answer.status, headers: answer.headers });
  };
}
