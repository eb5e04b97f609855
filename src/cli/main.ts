#!/usr/bin/env node
// The process's own argv, streams and environment in, its exit code out.
import { run } from './run.js';

// Whoever reads us has had enough, as `| head` does.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });

const { stdin, stdout, stderr, env } = process;
const code = await run(process.argv.slice(2), { stdin, stdout, stderr, env });
// What was written to a pipe arrives first.
await Promise.all([stdout, stderr].map((stream) => new Promise((resolve) => stream.write('', resolve))));
// Not exitCode alone: what an application's file opened, or what was started before a mistake, would keep the process alive.
process.exit(code || process.exitCode);
