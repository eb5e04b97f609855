// Builds the tree of all commands.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { RuntimeError } from '../runtime/runtime-error.js';
import { addAnswering, addCommand, appOption, type Cli, moment, portNumber, requiredAppOption } from './command.js';
import { addAsCode } from './commands/as-code.js';
import type { AuditCommandOptions } from './commands/audit.js';
import { addBulkActions } from './commands/bulk-actions.js';
import { addChanges } from './commands/changes.js';
import { addCompletion } from './commands/completion.js';
import type { OrganizationOptions } from './commands/create-organization.js';
import { addDeliveries } from './commands/deliveries.js';
import { addDoctor } from './commands/doctor.js';
import { addEgress } from './commands/egress.js';
import { addErrors } from './commands/errors.js';
import { addEvents } from './commands/events.js';
import { addForget } from './commands/forget.js';
import { addInit } from './commands/init.js';
import { addKeep } from './commands/keep.js';
import { addListen } from './commands/listen.js';
import { addLogin } from './commands/login.js';
import { addReplay } from './commands/replay.js';
import { addSchema } from './commands/schema.js';
import type { Roles, ServeOptions } from './commands/serve.js';
import { addSnapshot } from './commands/snapshot.js';
import { addTopics } from './commands/topics.js';
import { addTrigger } from './commands/trigger.js';
import { addWebhooks } from './commands/webhooks.js';
import { addWhyNot } from './commands/why-not.js';
import { outlastOutput } from './outlast-output.js';
import { openOutput, type ServiceOutput } from './service-output.js';

// Modules are loaded when their command runs, so that help and remote commands start quickly.
const serve = async (options: ServeOptions, cli: Cli, output: ServiceOutput): Promise<void> => {
  await refuseWithoutSample();
  await (await import('./commands/serve.js')).serve(options, cli, output);
};

/**
 * Refuses a command for the sample product in the published package, which lacks the sample and its dependencies. Called
 * before the command's module is loaded, because that would fail without them. @throws RuntimeError `APP_MISSING`
 */
async function refuseWithoutSample(): Promise<void> {
  await (await import('./sample.js')).loadSample();
}

export function createProgram(cli: Cli): Command {
  const program = new Command('hookgraph')
    .description(
      'Webhooks for a GraphQL API on Postgres. Subscribers write the query that reads the payload and the templates that render it.',
    )
    .version(readVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.terminal.write(text),
      writeErr: (text) => cli.terminal.note(text.trimEnd()),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', `\nExit codes: ${EXIT_CODES}`)
    .hook('preAction', (_program, command) => cli.onCommand?.(command.name()));
  program.commandsGroup('Run Hookgraph:');
  addInit(program, cli);
  addRunning(program, cli);
  addDoctor(program, cli);
  program.commandsGroup('Use a running Hookgraph:');
  addLogin(program, cli);
  addTopics(program, cli);
  addWebhooks(program, cli);
  addDeliveries(program, cli);
  addBulkActions(program, cli);
  addErrors(program, cli);
  addEvents(program, cli);
  addChanges(program, cli);
  addReplay(program, cli);
  addSnapshot(program, cli);
  addWhyNot(program, cli);
  addForget(program, cli);
  addKeep(program, cli);
  addEgress(program, cli);
  program.commandsGroup('Manage subscriptions as code:');
  addAsCode(program, cli);
  program.commandsGroup('Develop a receiver:');
  addListen(program, cli);
  addTrigger(program, cli);
  addSchema(program, cli);
  program.commandsGroup('Shell:');
  addCompletion(program, cli);
  return program;
}

const EXIT_CODES =
  '0 success, 1 an error or a problem was found, 2 wrong usage, 3 not found, 4 not logged in or not allowed,\n5 changes were found by plan --detailed-exitcode.';

function readVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

const ROLES: Record<string, string> = {
  serve:
    'run the API and a worker in one process; without --app, first migrate the database, and create sample data in the embedded Postgres',
  api: 'run only the API, on a migrated database',
  worker: 'run only a worker, on a migrated database; you can start several workers',
};

function addRole(program: Command, cli: Cli, name: string, roles: Roles): void {
  const command = addCommand(program, name, ROLES[name] as string, [`${name} --monitoring-port 9464`, `${name} --app ./hookgraph.ts`])
    .addOption(appOption())
    .addOption(
      new Option(
        '--monitoring-port <port>',
        'separate port that serves /healthz, /readyz and /metrics; default: HOOKGRAPH_MONITORING_PORT, or else no such port is opened',
      ).argParser(portNumber),
    )
    .action(async ({ app, monitoringPort, sampleData }: { app?: string; monitoringPort?: number; sampleData?: true }) => {
      const output = await openOutput(cli, app);
      if (app === undefined)
        return serve({ ...roles, ...(monitoringPort !== undefined && { monitoringPort }), ...(sampleData && { sampleData }) }, cli, output);
      const [{ loadApp }, { serveApp }, { readConfig }] = await Promise.all([
        import('./adopter/load-app.js'),
        import('./adopter/serve-app.js'),
        import('../runtime/config.js'),
      ]);
      const { host, port, monitoringHost, monitoringPort: configured } = readConfig(cli.env);
      const chosen = monitoringPort ?? configured;
      const monitoring = chosen === null ? null : { host: monitoringHost, port: chosen };
      outlastOutput(process.stdout, process.stderr);
      await serveApp(await loadApp(app), { ...roles, host, port, monitoring, output, stopped: cli.interrupted() });
    });
  if (roles.prepare) command.option('--sample-data', 'create sample data in the database of DATABASE_URL, too; only without --app');
}

function addRunning(program: Command, cli: Cli): void {
  addRole(program, cli, 'serve', { api: true, worker: true, prepare: true });
  addRole(program, cli, 'api', { api: true, worker: false, prepare: false });
  addRole(program, cli, 'worker', { api: false, worker: true, prepare: false });
  addCommand(program, 'migrate', "create or update Hookgraph's tables, topics and triggers", [
    'migrate',
    'migrate --app ./hookgraph.ts --dry-run',
    'migrate --app ./hookgraph.ts',
  ])
    .addOption(appOption())
    .option('--sample-data', 'also create the sample data if there is none; only without --app')
    .option('--dry-run', 'print the SQL that would run, and change nothing; only with --app')
    .option('--json', 'print the result as JSON')
    .action(async ({ app, sampleData, dryRun, json }: { app?: string; sampleData?: boolean; dryRun?: boolean; json?: boolean }) => {
      if (dryRun && app === undefined)
        throw new RuntimeError('APP_MISSING', '--dry-run needs --app', 'Pass the file that calls createHookgraph(): --app ./hookgraph.ts.');
      if (app !== undefined)
        return (await import('./adopter/migrate-app.js')).migrateApp(app, {
          dryRun: dryRun === true,
          json: json === true,
          terminal: cli.terminal,
        });
      await refuseWithoutSample();
      await (await import('./commands/migrate.js')).migrateDatabase({ sampleData: sampleData === true, json: json === true }, cli);
    });
  addAnswering(
    program,
    'create-organization <name>',
    'create an organization and its admin, and print the API token of the admin once; only without --app',
    ['create-organization "Acme Training" --admin "Ada Lovelace"'],
  )
    .requiredOption('--admin <name>', 'first and last name of the admin')
    .option('--permalink <name>', 'short name of the organization in URLs; default: made from the name')
    .action(async (name: string, options: OrganizationOptions) => {
      await refuseWithoutSample();
      await (await import('./commands/create-organization.js')).createOrganization(name, options, cli);
    });
  addCommand(program, 'detach', "remove Hookgraph's triggers from your tables and keep the history; stop the workers first", [
    'detach --app ./hookgraph.ts',
    'detach --app ./hookgraph.ts --everything',
  ])
    .addOption(requiredAppOption())
    .option('--everything', 'drop everything that Hookgraph stores in the database, including subscriptions and history')
    .option('--json', 'print the result as JSON')
    .action(async ({ app, everything, json }: { app: string; everything?: boolean; json?: boolean }) => {
      const hooks = await (await import('./adopter/load-app.js')).loadApp(app);
      try {
        await hooks.detach({ everything: everything === true });
        if (json) return cli.terminal.json({ detached: true, everything: everything === true });
        cli.terminal.say(
          everything
            ? 'Hookgraph was removed from the database.'
            : 'The triggers were removed: changes are no longer captured. The history is kept.',
        );
      } finally {
        await hooks.close();
      }
    });
  addCommand(
    program,
    'check',
    'list problems of tables, triggers, stored queries and the root fields that find nodes, with the current schema or a new one; changes nothing',
    ['check --app ./hookgraph.ts', 'check --app ./hookgraph.ts --schema new.graphql --json'],
  )
    .addOption(requiredAppOption())
    .option('--schema <file>', 'SDL file with a GraphQL schema that you are going to deploy; default: the current schema is checked')
    .option('--json', 'print the result as JSON')
    .action(async ({ app, schema, json }: { app: string; schema?: string; json?: boolean }) => {
      const [{ loadApp }, { checkApp }] = await Promise.all([import('./adopter/load-app.js'), import('./adopter/check-app.js')]);
      const hooks = await loadApp(app);
      try {
        await checkApp(hooks, { ...(schema !== undefined && { schema }), ...(json && { json }), terminal: cli.terminal });
      } finally {
        await hooks.close();
      }
    });
  addCommand(program, 'demo', "run the guide's example on a temporary database and print each step", ['demo', 'demo --running'])
    .option('--running', 'use the Hookgraph that is already running here, and its database')
    .action(async (options: { running?: boolean }) => {
      await refuseWithoutSample();
      await (await import('./commands/demo.js')).runDemo({ running: options.running === true }, cli);
    });
  addCommand(program, 'simulate', "change the sample organization's data through the API, as its users would, until you press Ctrl-C", [
    'simulate --rate 30/min',
  ])
    .option('--rate <rate>', 'number of changes per second, minute or hour, e.g. 2/s, 30/min or 100/h', '1/s')
    .option('--url <url>', 'URL of the API; default: the address in HOST and PORT')
    .option('--token <token>', 'API token to use; default: the token of the sample organization’s admin')
    .action(async (options: { rate: string; url?: string; token?: string }) =>
      (await import('./commands/simulate.js')).simulate(options, cli),
    );
  addCommand(
    program,
    'rotate-keys',
    'encrypt every stored secret again with the newest key; you can stop the command and run it again at any time',
    ['rotate-keys --generate'],
  )
    .option('--generate', 'first add a new key to the key file in HOOKGRAPH_DATA_DIR')
    .option('--dry-run', 'check that every secret can be decrypted, and change nothing')
    .option('--json', 'print the result as one line of JSON')
    .action(async (options: { generate?: boolean; dryRun?: boolean; json?: boolean }) =>
      (await import('./commands/rotate-keys.js')).rotateKeys(
        { generate: options.generate === true, dryRun: options.dryRun === true, json: options.json === true },
        cli,
      ),
    );
  addCommand(program, 'prune', 'delete deliveries, events and attempts of before a time; keeps what is still to be sent', [
    'prune --before 56d --dry-run',
    'prune --before 56d',
  ])
    .requiredOption('--before <moment>', 'delete what ended before this time: a time in ISO 8601, or how long ago, such as 56d', moment)
    .option('--dry-run', 'print what would be deleted, and change nothing')
    .option('--json', 'print the result as one line of JSON')
    .action(async ({ before, dryRun = false, json = false }: { before: string; dryRun?: boolean; json?: boolean }) =>
      (await import('./commands/prune.js')).prune({ before, dryRun, json }, cli),
    );
  addCommand(
    program,
    'audit',
    'account for every event and each subscription to its topic: delivered, skipped, held …, or missing; `auditLog` in the API says who changed a subscription',
    ['audit', 'audit --since 7d --json', 'audit --mine'],
  )
    .option(
      '--since <moment>',
      'only events at this time or later: a time in ISO 8601, or how long ago, such as 7d; default: all that are kept',
      moment,
    )
    .option('--until <moment>', 'only events before this time; default: all', moment)
    .option('--mine', 'account for your own subscriptions, through the API; default: all of the installation, in its database')
    .option('--json', 'print the result as one line of JSON')
    .action(async (options: AuditCommandOptions) => (await import('./commands/audit.js')).runAudit(options, cli));
  addCommand(program, 'retention', 'show how much history is kept and what the last cleaning did; pause and resume the cleaning', [
    'retention',
    'retention --pause',
  ])
    .option('--pause', 'stop deleting old history until you resume it')
    .option('--resume', 'delete old history again')
    .option('--json', 'print the result as one line of JSON')
    .action(async ({ pause = false, resume = false, json = false }: { pause?: boolean; resume?: boolean; json?: boolean }) =>
      (await import('./commands/retention.js')).retention({ pause, resume, json }, cli),
    );
  addCommand(program, 'config', 'print every environment variable with its value, source and meaning', ['config', 'config --json'])
    .option('--json', 'print the result as JSON')
    .action(async (options: { json?: boolean }) =>
      (await import('./commands/config.js')).printConfig({ json: options.json === true }, cli),
    );
}
