// Defines the application that the HTTP server serves.
import type { GraphQLSchema } from 'graphql';
import type { Pool } from 'pg';
import type { Authentication } from '../auth/api-token.js';
import type { Viewer } from '../auth/viewer.js';
import type { Config } from '../runtime/config.js';
import type { Logger } from '../runtime/logger.js';
import type { Webhooks } from '../webhooks/index.js';

export interface App {
  config: Config;
  log: Logger;
  pool: Pool;
  schema: GraphQLSchema;
  webhooks: Webhooks;
  /** The query tabs that the explorer (GraphiQL) shows at the first visit. */
  tabs: Tab[];
  /** Returns the viewer of a token, or the reason why the token is refused. */
  authenticate(token: string): Promise<Authentication>;
  /** Creates the context for the resolvers of one request. */
  contextOf(viewer: Viewer, traceparent?: string | null): object;
}

export interface Tab {
  query: string;
  /** The operation's variables as JSON text. */
  variables?: string;
}
