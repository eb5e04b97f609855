// Adds the commands that try a draft on stored events, and an error template on stored answers.
import { RuntimeError } from '../../runtime/runtime-error.js';
import { type Answer, throwMistakes } from '../client.js';
import { type Answering, addAnswering, type Cli, type Command, moment, wholeNumber } from '../command.js';
import { findSubscription } from '../find.js';
import { printRehearsal, REHEARSAL, rehearseAll } from '../rehearsal.js';
import { called } from '../saving.js';
import { relative, shortNode } from '../shorten.js';
import { readText } from '../subscription-input.js';
import { addDefinition, readWritten, type Written } from './save-webhook.js';

const REHEARSE = `mutation ($webhookSubscription: WebhookSubscriptionInput!, $first: Int, $after: String) {
  rehearseWebhookSubscription(webhookSubscription: $webhookSubscription, first: $first, after: $after) {
    errors { field fullMessage type place { line column } } warnings { field fullMessage place { line column } } rehearsal { ${REHEARSAL} } } }`;
const JUDGE = `query ($id: ID!, $errorTemplate: String!, $from: DateTime, $to: DateTime, $first: Int, $after: String) {
  webhookErrorTemplateRehearsal(webhookSubscriptionId: $id, errorTemplate: $errorTemplate, from: $from, to: $to, first: $first, after: $after) {
    errors { field fullMessage type place { line column } } examinedCount deliveredCount failedCount unknownCount endCursor hasNextPage
    failures { message webhookDelivery { id databaseId nodeId createdAt } } } }`;
const REPLAY = `mutation ($id: ID, $ids: [ID!]) { replayWebhookEvents(webhookSubscriptionId: $id, deliveries: { ids: $ids }) {
  errors { field fullMessage type } webhookReplay { id databaseId state } } }`;
/** Number of deliveries that are judged without --sample; also the maximum that one replay takes. */
const JUDGED = 1_000;
const EVENTS = 50;

export function addRehearsals(webhooks: Command, cli: Cli): void {
  addRehearse(webhooks, cli);
  addJudge(webhooks, cli);
}

function addRehearse(webhooks: Command, cli: Cli): void {
  const { terminal, connect } = cli;
  addDefinition(
    addAnswering(
      webhooks,
      'rehearse [webhook]',
      'try a draft on the last stored events of its topic, against the live version; sends and saves nothing',
      [
        'webhooks rehearse "CRM users" --template @new.liquid --events 100',
        'webhooks rehearse --topic user/created --url https://crm.example/hooks --query @users.graphql',
      ],
    ),
  )
    .option('--events <number>', `number of events to try; default: ${EVENTS}`, wholeNumber)
    .action(async (name: string | undefined, { events = EVENTS, ...options }: Written & Answering & { events?: number }) => {
      const client = await connect();
      const known = name === undefined ? null : await findSubscription(client, name);
      const [input] = await readWritten(client, cli, options, known === null);
      const webhookSubscription = { ...input, ...(known && { id: known.id }) };
      let first: Answer = {};
      const rehearsal = await rehearseAll(terminal, events, async (page) => {
        const { rehearseWebhookSubscription: answer } = await client.ask(REHEARSE, { webhookSubscription, ...page });
        if (!answer.rehearsal) throwMistakes(answer.errors);
        first = answer;
        return answer.rehearsal;
      });
      if (options.json) terminal.json({ errors: first.errors, warnings: first.warnings, rehearsal });
      else {
        printRehearsal(terminal, rehearsal, 'the live version');
        for (const { fullMessage } of first.warnings ?? []) terminal.note(`Warning: ${fullMessage}`);
      }
      throwMistakes(first.errors ?? []);
    });
}

interface Judging extends Answering {
  errorTemplate: string;
  from?: string;
  to?: string;
  sample?: number;
  replay?: true;
}

function addJudge(webhooks: Command, { terminal, connect }: Cli): void {
  addAnswering(
    webhooks,
    'judge <webhook>',
    'try an error template on the stored answers to deliveries that succeeded: which of them were failures?',
    [
      'webhooks judge "CRM users" --error-template @errors.liquid --from 7d',
      'webhooks judge "CRM users" --error-template @errors.liquid --from 7d --replay',
    ],
  )
    .requiredOption('--error-template <template>', 'the template: the text, @file, or @- for stdin')
    .option('--from <moment>', 'only deliveries created at this time or later: a time in ISO 8601, or how long ago, such as 7d', moment)
    .option('--to <moment>', 'only deliveries created at this time or earlier', moment)
    .option('--sample <number>', `number of deliveries to judge, newest first; default: ${JUDGED}`, wholeNumber)
    .option('--replay', 'send the events of those that were failures again, with the saved definition')
    .action(async (name: string, { errorTemplate, from, to, sample = JUDGED, replay, json }: Judging) => {
      const client = await connect();
      const one = await findSubscription(client, name);
      const text = await readText(errorTemplate, () => terminal.readAll());
      const question = { id: one.id, errorTemplate: text, from: from ?? null, to: to ?? null };
      const failures: Answer[] = [];
      const counts = { examinedCount: 0, deliveredCount: 0, failedCount: 0, unknownCount: 0 };
      let [after, hasNextPage]: [string | null, boolean] = [null, true];
      while (hasNextPage && counts.examinedCount < sample) {
        const first = Math.min(100, sample - counts.examinedCount);
        const { webhookErrorTemplateRehearsal: page } = await client.ask(JUDGE, { ...question, first, after });
        throwMistakes(page.errors);
        for (const name of Object.keys(counts) as (keyof typeof counts)[]) counts[name] += page[name];
        failures.push(...page.failures);
        ({ endCursor: after, hasNextPage } = page);
        terminal.progress(`${counts.examinedCount} answers judged`);
      }
      const ids = failures.map(({ webhookDelivery }) => webhookDelivery.id);
      if (replay && ids.length > JUDGED)
        throw new RuntimeError(
          'TOO_MANY',
          `${ids.length} deliveries failed, and one replay takes at most ${JUDGED}`,
          'Pass a shorter period.',
        );
      const started = replay && ids.length > 0 ? (await client.mutate(REPLAY, { id: one.id, ids })).webhookReplay : null;
      if (json) return terminal.json({ ...counts, isWhole: !hasNextPage, failures, webhookReplay: started });
      const of = hasNextPage ? `Of the last ${counts.examinedCount}` : `Of ${counts.examinedCount}`;
      terminal.say(`${of} successes of ${called(one)}, ${counts.failedCount} were failures.`);
      if (counts.unknownCount > 0)
        terminal.say(`${counts.unknownCount} could not be judged: their answers are not stored as they were received.`);
      if (failures.length > 0)
        terminal.table(
          ['delivery', 'made', 'node', 'error'],
          failures.map(({ message, webhookDelivery: { databaseId, createdAt, nodeId } }) => [
            databaseId,
            relative(createdAt),
            shortNode(nodeId),
            message,
          ]),
        );
      if (started) terminal.say(`Replay ${started.databaseId} sends their events again.`);
    });
}
