// Adds the command `keep`, which shows and sets how long your organization keeps history.
import { InvalidArgumentError } from 'commander';
import { type Answering, addAnswering, type Cli, type Command, wholeNumber } from '../command.js';

const DAYS = 'bodyDays attemptDays errorDays eventDays';
const FIELDS = `own { ${DAYS} } installation { ${DAYS} }`;
const SHOW = `{ webhookRetention { ${FIELDS} } }`;
const UPDATE = `mutation ($input: UpdateWebhookRetentionInput) {
  updateWebhookRetention(input: $input) { errors { field fullMessage type } webhookRetention { ${FIELDS} } } }`;

type Name = 'bodies' | 'attempts' | 'errors' | 'events';
/** The API's field for each option. */
const FIELD = { bodies: 'bodyDays', attempts: 'attemptDays', errors: 'errorDays', events: 'eventDays' } as const;
type Days = Record<(typeof FIELD)[Name], number | null>;

const KINDS: [keyof Days, string][] = [
  ['bodyDays', 'Requests and responses'],
  ['attemptDays', 'Attempts'],
  ['errorDays', 'Attempts that failed or were held'],
  ['eventDays', 'Events and deliveries'],
];

/** Parses a number of days, such as `7` or `7d`; `default` means the setting of the installation. */
function days(text: string): number | 'default' {
  if (text === 'default') return text;
  try {
    return wholeNumber(text.replace(/d$/, ''));
  } catch {
    throw new InvalidArgumentError('The value must be a number of days, such as 7, or default.');
  }
}

export function addKeep(program: Command, { terminal, connect }: Cli): void {
  addAnswering(program, 'keep', 'show how long your organization keeps history, or keep less of it than the installation does', [
    'keep',
    'keep --bodies 2 --events 30',
    'keep --bodies default',
  ])
    .option('--bodies <days>', 'days of requests and responses of successful attempts; default: as long as the installation', days)
    .option('--attempts <days>', 'days of successful attempts', days)
    .option('--errors <days>', 'days of failed and held attempts', days)
    .option('--events <days>', 'days of events and their deliveries', days)
    .action(async ({ json, ...options }: Answering & Partial<Record<Name, number | 'default'>>) => {
      const client = await connect();
      const input = Object.fromEntries(
        Object.entries(options).map(([name, count]) => [FIELD[name as Name], count === 'default' ? null : count]),
      );
      const isChange = Object.keys(input).length > 0;
      const answer = isChange ? await client.mutate(UPDATE, { input }) : await client.ask(SHOW);
      const { own, installation }: { own: Days; installation: Days } = answer.webhookRetention;
      if (json) return terminal.json({ own, installation });
      const words = (count: number | null) => (count === null ? 'without limit' : `${count} days`);
      for (const [kind, what] of KINDS) {
        const limit = words(installation[kind]);
        const isLess = own[kind] !== null && (installation[kind] === null || own[kind] < installation[kind]);
        terminal.say(`${what} are kept ${isLess ? `${words(own[kind])}; the installation keeps them ${limit}` : limit}.`);
      }
    });
}
