#!/usr/bin/env node
// Runs Prisma's schema engine as WebAssembly, with the protocol of the binary that Prisma would download: JSON-RPC on
// stdio. With PRISMA_SCHEMA_ENGINE_BINARY=scripts/schema-engine.mjs, `prisma migrate dev`, `prisma migrate diff` and
// `prisma db pull` work offline.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';

const argv = process.argv.slice(2);
const valuesOf = (name) => argv.flatMap((value, i) => (value === name ? [argv[i + 1]] : []));
const say = (level, message) => process.stderr.write(`${JSON.stringify({ level, fields: { message } })}\n`);
const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

if (argv.includes('--version')) {
  console.log('schema-engine-wasm');
  process.exit(0);
}
if (argv.includes('can-connect-to-database') || argv.includes('create-database')) {
  say('INFO', 'Connection successful');
  process.exit(0);
}

const url = JSON.parse(valuesOf('--datasource')[0] ?? '{}').url ?? process.env.DATABASE_URL;

// Splits the URL, because adapter-pg sets `database` for the shadow database, and a connection string would override that.
function connectionOf(text) {
  const { hostname, port, username, password, pathname } = new URL(text);
  return {
    host: hostname,
    port: Number(port || 5432),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: pathname.slice(1),
  };
}

/**
 * The oid of Postgres' internal type "char". Introspection selects columns of this type, which adapter-pg doesn't know,
 * so they are read as adapter-pg's character columns.
 */
const INTERNAL_CHAR = 18;
const BPCHAR = 1042;
const CHARACTER_COLUMN = 6;

function withInternalChar(connection) {
  const performIO = connection.performIO.bind(connection);
  const queryRaw = connection.queryRaw.bind(connection);
  let positions = [];
  connection.performIO = async (query) => {
    const result = await performIO(query);
    positions = (result.fields ?? []).flatMap((field, i) => (field.dataTypeID === INTERNAL_CHAR ? [i] : []));
    for (const i of positions) result.fields[i].dataTypeID = BPCHAR;
    return result;
  };
  // The engine sends one statement at a time, so `positions` belong to this query.
  connection.queryRaw = async (query) => {
    const result = await queryRaw(query);
    for (const i of positions) result.columnTypes[i] = CHARACTER_COLUMN;
    return result;
  };
  return connection;
}

class EnginePostgres extends PrismaPg {
  async connect() {
    return withInternalChar(await super.connect());
  }

  // Replaces adapter-pg's method, which drops the shadow database before it closes its own connections to that
  // database; Postgres refuses that.
  async connectToShadowDb() {
    const server = await this.connect();
    const database = `prisma_migrate_shadow_db_${randomUUID()}`;
    await server.executeScript(`CREATE DATABASE "${database}"`);
    const shadow = await new EnginePostgres({ ...connectionOf(url), max: 2, database }).connect();
    const dispose = shadow.dispose.bind(shadow);
    shadow.dispose = async () => {
      await dispose();
      await server.executeScript(`DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`);
      await server.dispose();
    };
    return shadow;
  }
}

async function createEngine() {
  globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => say('ERROR', message) };
  const module = createRequire(import.meta.url)
    .resolve('@prisma/schema-engine-wasm/schema_engine_bg')
    .replace(/\.js$/, '.wasm');
  const { instance } = await WebAssembly.instantiate(readFileSync(module), { './schema_engine_bg.js': bindings });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const factory = bindMigrationAwareSqlAdapterFactory(new EnginePostgres({ ...connectionOf(url), max: 2 }));
  const datamodels = valuesOf('--datamodels').map((path) => [path, readFileSync(path, 'utf8')]);
  return bindings.SchemaEngine.new({ datamodels: datamodels.length > 0 ? datamodels : undefined }, () => {}, factory);
}

let engine;
for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const { id, method, params } = JSON.parse(line);
  if (method === undefined) continue;
  try {
    engine ??= await createEngine();
    const result = (await engine[method](params ?? {})) ?? {};
    // The binary prints a diff by sending its caller a `print` request.
    if (method === 'diff' && result.stdout != null) send({ id: 1_000_000_000, method: 'print', params: { content: result.stdout } });
    send({ id, result });
  } catch (error) {
    const message = String(error.message ?? error);
    const code = /^(P\d{4})/.exec(message)?.[1] ?? error.code;
    send({
      id,
      error: {
        code: 4466,
        message: 'An error happened. Check the data field for details.',
        data: { is_panic: false, message, error_code: code },
      },
    });
  }
}
process.exit(0);
