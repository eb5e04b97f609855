// `npm run chaos`: runs the product on its own Postgres, breaks it, and checks the books.
import { parseArgs } from 'node:util';
import { FAULTS } from './faults.js';
import { runChaos } from './run-chaos.js';
import { seedDatabase } from './seed-database.js';
import { startServer } from './server.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    faults: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
});

const HELP = `npm run chaos [-- --seed 7 --minutes 10 --faults kill-worker,silence]

Starts Postgres, an API, two workers, receivers and writers of three organizations. Breaks something, waits until all is
sent, checks the books, and goes on until the time is over or the books don't balance. The same seed has the same order.

${Object.entries(FAULTS)
  .map(([name, { what }]) => `  ${name.padEnd(18)} ${what}`)
  .join('\n')}`;

if (values.help) console.log(HELP);
else process.exitCode = await main();

async function main(): Promise<number> {
  const faults = values.faults?.split(',') ?? Object.keys(FAULTS);
  const unknown = faults.filter((name) => !FAULTS[name]);
  if (unknown.length > 0) {
    console.error(`There is no fault ${unknown.join(', ')}.\n\n${HELP}`);
    return 1;
  }
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed);
  const untilMs = Date.now() + Number(values.minutes) * 60_000;
  console.log(`npm run chaos -- --seed ${seed} --minutes ${values.minutes} --faults ${faults.join(',')}`);
  const { server, stop } = await startServer();
  try {
    await seedDatabase(server.url);
    const { steps, findings, events, requests } = await runChaos({
      server,
      seed,
      faults,
      isWhole: true,
      isOver: (steps) => steps > 0 && Date.now() > untilMs,
      say: (line) => console.log(line),
    });
    console.log(
      `${steps.length} faults, ${events} events, ${requests} requests: ${findings.length === 0 ? 'the books balance' : findings.join('\n')}`,
    );
    return findings.length === 0 ? 0 : 1;
  } finally {
    await stop();
  }
}
