// Tests help, version, completion, configuration and mistakes on the command line.
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli } from '../support/cli.js';
import { testDatabase } from '../support/database.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-cli-'));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

async function run(args: string[], env: Record<string, string> = {}) {
  const cli = runCli(args, { HOOKGRAPH_DATA_DIR: dataDir, ...env });
  return { code: await cli.ended(), output: cli.output() };
}

test('--help lists the commands, and --version tells the version', async () => {
  const help = await run(['--help']);
  expect(help.code).toBe(0);
  for (const command of ['serve', 'api', 'worker', 'migrate', 'config', 'webhooks', 'completion'])
    expect(help.output).toMatch(new RegExp(`^ +${command} `, 'm'));
  expect(await run(['--version'])).toEqual({ code: 0, output: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
});

test('an unknown command is wrong usage, and told with what was meant', async () => {
  expect(await run(['sevre'])).toEqual({ code: 2, output: "error: unknown command 'sevre'\n(Did you mean serve?)\n" });
});

test('completion prints a script, which completes commands and options', async () => {
  expect(await run(['completion', 'zsh'])).toEqual({ code: 0, output: expect.stringContaining('#compdef hookgraph') });
  expect((await run(['complete', '--', 'webhooks', 'list', '--'])).output).toMatch(/^--topic\b/m);
});

test('completion works in a bash without other packages, sourced twice', async () => {
  await writeFile(join(dataDir, 'hookgraph'), `#!/bin/sh\nexec "${process.execPath}" "${resolve('dist/cli/main.js')}" "$@"\n`, {
    mode: 0o755,
  });
  const script = `source <(hookgraph completion bash); source <(hookgraph completion bash)
    COMP_WORDS=(hookgraph webhooks sh); COMP_CWORD=2; _hookgraph; echo "\${COMPREPLY[@]}"
    COMP_WORDS=(hookgraph deliveries list --stat); COMP_CWORD=3; _hookgraph; echo "\${COMPREPLY[@]}"; complete -p hookgraph`;
  const { stdout, stderr } = await promisify(execFile)('bash', ['--norc', '--noprofile', '-c', script], {
    env: { PATH: `${dataDir}:/usr/bin:/bin`, HOME: dataDir },
  });
  expect([stderr, stdout]).toEqual(['', 'show\n--state --status\ncomplete -o default -F _hookgraph hookgraph\n']);
});

test('help explains each argument, also of a command within a command', async () => {
  const direct = await run(['webhooks', 'show', '--help']);
  expect(direct.output).toMatch(/Arguments:\n {2}webhook +name of a subscription/);
  expect(await run(['help', 'webhooks', 'show'])).toEqual(direct);
});

test('whoever reads no further, as `| head` does, is no mistake', async () => {
  const cli = runCli(['config'], { HOOKGRAPH_DATA_DIR: dataDir });
  cli.child.stdout?.destroy();
  expect([await cli.ended(), cli.output()]).toEqual([0, '']);
});

test('config prints every variable with value, source and meaning, and no secret', async () => {
  const { code, output } = await run(['config'], { PORT: '4321', HOOKGRAPH_ADMIN_TOKEN: 'hunter2' });
  expect(code).toBe(0);
  expect(output).toContain('PORT=4321  (environment)\n    port of the API');
  expect(output).toContain('HOST=127.0.0.1  (default)');
  expect(output).not.toContain('hunter2');
});

test('a bad value is told with its code, its name, itself, and what to do', async () => {
  const { code, output } = await run(['serve'], { PORT: 'http' });
  expect(code).toBe(1);
  expect(output).toBe(
    'BAD_CONFIG: PORT is "http", but it must be a whole number from 0 to 65535\n`hookgraph config` prints every variable with its meaning.\n',
  );
});

test('api and worker refuse a database that was never migrated', async () => {
  const database = await testDatabase({ empty: true });
  try {
    for (const command of ['api', 'worker']) {
      const { code, output } = await run([command], { DATABASE_URL: database.url });
      expect(code).toBe(1);
      // A service writes only log lines, even if it can't start.
      expect(JSON.parse(output)).toMatchObject({
        level: 'fatal',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        role: command,
        msg: 'the process could not start',
        code: 'NOT_MIGRATED',
        hint: 'Run `hookgraph migrate`.',
        reason: expect.stringContaining('not applied'),
      });
    }
  } finally {
    await database.close();
  }
});

test('a database that does not answer is named, without its password', async () => {
  const { code, output } = await run(['migrate'], { DATABASE_URL: 'postgres://me:hunter2@127.0.0.1:1/hooks' });
  expect(code).toBe(1);
  expect(output).toBe(
    "DATABASE_UNREACHABLE: The database hooks at 127.0.0.1:1 can't be used: connect ECONNREFUSED 127.0.0.1:1\nIs the database running? Check host and port in DATABASE_URL.\n",
  );
});
