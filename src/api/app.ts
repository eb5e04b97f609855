// What the HTTP face serves.
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
  /** The explorer's first tabs. */
  tabs: Tab[];
  /** Whose token it is, or why it opens nothing. */
  authenticate(token: string): Promise<Authentication>;
  /** What the resolvers of one request are handed. */
  contextOf(viewer: Viewer, traceparent?: string | null): object;
}

export interface Tab {
  query: string;
  /** JSON. */
  variables?: string;
}
