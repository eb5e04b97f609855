// Adds the commands `deliveries list`, `errors list`, `topics list` and `webhooks list`, which print in the same way.
import type { Answer, Client } from './client.js';
import { type Answering, addAnswering, type Cli, type Command, moment, Option, wholeNumber } from './command.js';
import { findSubscription } from './find.js';
import { refuseUnknownTopic } from './suggest.js';
import type { Cell } from './terminal.js';

export interface List<Filter> {
  description: string;
  examples: string[];
  /** Adds the options that `find` reads. */
  filter(command: Command): Command;
  /** Returns at most `limit` items. */
  find(client: Client, filter: Filter, limit: number): Promise<Answer[]>;
  /** The note that is printed when nothing matches. */
  none: string;
  /** The number of items that are printed without --limit; `null`: all. Default: 50. */
  usualLimit?: null;
  /** The columns of the table, in order. A terminal shows the column `name` first. */
  columns: Record<string, (item: Answer) => Cell>;
}

/** Adds the command `list`, which prints a table on a terminal, tab-separated lines elsewhere, or JSON with --json. */
export function addList<Filter>(parent: Command, { terminal, connect }: Cli, list: List<Filter>): void {
  list
    .filter(
      addAnswering(parent, 'list', list.description, list.examples)
        .addOption(
          new Option('--limit <count>', 'maximum number of items to print')
            .argParser(wholeNumber)
            .default(list.usualLimit === null ? undefined : 50),
        )
        .option('--all', 'print all items'),
    )
    .action(async (options: Filter & Answering & { limit?: number; all?: true; topic?: string }) => {
      const limit = options.all ? Number.POSITIVE_INFINITY : (options.limit ?? Number.POSITIVE_INFINITY);
      const client = await connect();
      const found = await list.find(client, options, limit);
      if (options.json) return terminal.json(found);
      const names = Object.keys(list.columns);
      if (terminal.isTty) names.sort((one, other) => Number(other === 'name') - Number(one === 'name'));
      if (found.length === 0 && options.topic !== undefined) await refuseUnknownTopic(client, options.topic);
      if (found.length === 0) terminal.note(list.none);
      else
        terminal.table(
          names,
          found.map((item) => names.map((name) => list.columns[name]?.(item))),
        );
      if (found.length >= limit) terminal.note(`This list shows the first ${found.length}; use --limit or --all to see more.`);
    });
}

/** The options that select deliveries and errors. */
export interface Selection {
  webhook?: string;
  topic?: string;
  since?: string;
  until?: string;
}

/**
 * Adds the options of `Selection` and one further option.
 * @param items plural noun for the help text, such as `deliveries`
 * @param dated subject for the help of --since and --until, such as `deliveries created`
 */
export function addSelection(command: Command, items: string, narrower: Option, dated = items): Command {
  return command
    .option('--webhook <webhook>', `only ${items} of this subscription`)
    .addOption(narrower)
    .option('--topic <key>', `only ${items} of this topic`)
    .option('--since <moment>', `only ${dated} at this time or later: a time in ISO 8601, or how long ago, such as 2h`, moment)
    .option('--until <moment>', `only ${dated} at this time or earlier`, moment);
}

/** Returns the variables `id`, `topicKey`, `min` and `max` of a query. */
export async function selectionOf(client: Client, { webhook, topic, since, until }: Selection): Promise<Record<string, unknown>> {
  const id = webhook === undefined ? null : (await findSubscription(client, webhook)).id;
  return { id, topicKey: topic, min: since, max: until };
}

/** The columns that deliveries and errors share. */
export const webhookOf = ({ webhookSubscription }: Answer): Cell => webhookSubscription?.name ?? webhookSubscription?.id;
export const topicOf = ({ topic }: Answer): Cell => topic?.key;
