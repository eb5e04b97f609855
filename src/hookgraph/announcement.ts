// Turns the host's `tables` option into announced nodes, with the help of the database's catalog, and caches the result.
import type { GraphQLSchema } from 'graphql';
import type { Pool } from 'pg';
import { type Completed, completeAnnouncements } from '../sources/catalog/complete.js';
import { readCatalog } from '../sources/catalog/read-catalog.js';
import type { AnnouncementProblem, Tables } from '../sources/catalog/table-options.js';
import type { SourceModel } from '../sources/source.js';
import { type AnnouncedNode, WebhooksError } from '../webhooks/index.js';

export interface Announcement {
  /** Returns the announced nodes. @throws WebhooksError `NOT_READY` before the catalog was read */
  nodes(): AnnouncedNode[];
  /** Like `nodes`, but reads the catalog first if needed. @throws WebhooksError `ANNOUNCEMENT_INCOMPLETE`, which lists every problem */
  ready(): Promise<AnnouncedNode[]>;
  /** Reads the catalog again, for example after a migration. @throws the same errors as `ready` */
  refresh(): Promise<AnnouncedNode[]>;
  /** Reads the catalog and returns every problem instead of throwing. */
  inspect(): Promise<Completed>;
}

export function createAnnouncement(
  { tables, schema }: { tables: Tables; schema?: GraphQLSchema },
  { pool, models, onRead }: { pool: Pool; models: SourceModel[]; onRead?(completed: Completed): void },
): Announcement {
  let known: AnnouncedNode[] | undefined;
  let reading: Promise<AnnouncedNode[]> | undefined;
  const inspect = async () => completeAnnouncements(tables, { catalog: await readCatalog(pool), models, ...(schema && { schema }) });

  async function refresh(): Promise<AnnouncedNode[]> {
    const completed = await inspect();
    if (completed.problems.length > 0) throw incomplete(completed.problems);
    known = completed.nodes;
    onRead?.(completed);
    return known;
  }

  return {
    nodes() {
      if (known) return known;
      throw new WebhooksError(
        'NOT_READY',
        'Hookgraph has not read the announced tables from the database yet.',
        'Await `hooks.ready()`, `hooks.migrate()` or `hooks.work()` first.',
      );
    },
    async ready() {
      if (known) return known;
      reading ??= refresh().finally(() => {
        // After a failed read, the next caller reads the catalog again.
        reading = undefined;
      });
      return reading;
    },
    refresh,
    inspect,
  };
}

function incomplete(problems: AnnouncementProblem[]): WebhooksError {
  const lines = problems.map(({ typename, message, hint }) => `- ${typename}: ${message} ${hint}`);
  const count = problems.length === 1 ? 'The announced tables have a problem' : `The announced tables have ${problems.length} problems`;
  return new WebhooksError('ANNOUNCEMENT_INCOMPLETE', `${count}:\n${lines.join('\n')}`, 'Correct `tables` of createHookgraph().');
}
