#!/usr/bin/env node
// Runs the command line with the process's arguments, streams and environment, and sets the exit code.
import { setProcessRole } from '../runtime/process-role.js';
import { run } from './run.js';
import { written } from './terminal.js';

// EPIPE means that the reader of the output has closed the pipe, as `| head` does; the process then ends without an error.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });

const { stdin, stdout, stderr, env } = process;
const code = await run(process.argv.slice(2), { stdin, stdout, stderr, env, onCommand: setProcessRole });
// Waits until output to a pipe has been written.
await written(stdout, stderr);
// The process must call exit(), because connections that an application's file opened would keep it alive.
process.exit(code || process.exitCode);
