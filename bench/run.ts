// `npm run bench [-- line … --rounds 5]`: measures the named lines, or all of them, and writes RESULTS.md.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Line, measureLine } from './frame.js';
import { api } from './lines/api.js';
import { backlog } from './lines/backlog.js';
import { bytes } from './lines/bytes.js';
import { consoleLine } from './lines/console.js';
import { fanOut } from './lines/fan-out.js';
import { growth } from './lines/growth.js';
import { hostile } from './lines/hostile.js';
import { isolation } from './lines/isolation.js';
import { kill } from './lines/kill.js';
import { latency } from './lines/latency.js';
import { memory } from './lines/memory.js';
import { neighbours } from './lines/neighbours.js';
import { profile } from './lines/profile.js';
import { retention } from './lines/retention.js';
import { start } from './lines/start.js';
import { storedQuery } from './lines/stored-query.js';
import { tables } from './lines/tables.js';
import { templates } from './lines/templates.js';
import { writersTax } from './lines/writers-tax.js';
import { barRow, writeResults } from './report.js';
import { startServer } from './server.js';

const LINES: Line[] = [
  backlog,
  profile,
  storedQuery,
  templates,
  latency,
  writersTax,
  fanOut,
  neighbours,
  hostile,
  isolation,
  tables,
  bytes,
  retention,
  kill,
  memory,
  api,
  start,
  growth,
  consoleLine,
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, list: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
});

if (values.help || values.list) {
  console.log(`npm run bench [-- line …] [--rounds 5]\n\n${LINES.map(({ key, title }) => `  ${key.padEnd(14)} ${title}`).join('\n')}`);
} else {
  const unknown = positionals.filter((key) => !LINES.some((line) => line.key === key));
  if (unknown.length > 0) {
    console.error(`There is no line ${unknown.join(', ')}; there are ${LINES.map(({ key }) => key).join(', ')}.`);
    process.exit(1);
  }
  await measure(
    LINES.filter(({ key }) => positionals.length === 0 || positionals.includes(key)),
    Number(values.rounds),
  );
}

async function measure(lines: Line[], rounds: number): Promise<void> {
  const commit = execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' }).trim();
  const server = await startServer();
  const missed: string[] = [];
  try {
    for (const [i, line] of lines.entries()) {
      console.log(`\n[${i + 1}/${lines.length}] ${line.title}`);
      const startedAt = Date.now();
      const own = Math.min(rounds, line.rounds ?? rounds);
      const measured = await measureLine(line, { server, say: (message) => console.log(message) }, own);
      const minutes = (Date.now() - startedAt) / 60_000;
      writeResults(
        LINES.map(({ key }) => key),
        line,
        measured,
        { postgres: server.version, rounds: own, minutes, commit },
      );
      for (const verdict of measured.verdicts) console.log(barRow(verdict));
      for (const { what, reached } of measured.verdicts) if (!reached) missed.push(`${line.key}: ${what}`);
    }
  } finally {
    await server.stop();
  }
  console.log(missed.length === 0 ? '\nEverything that must hold was reached.' : `\nNot reached:\n  ${missed.join('\n  ')}`);
  console.log('Written to bench/RESULTS.md.');
}
