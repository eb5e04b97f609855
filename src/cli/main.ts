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
// Not exitCode alone: what was started before a mistake would keep the process alive.
if (code === 0) process.exitCode ??= 0;
else process.exit(code);
