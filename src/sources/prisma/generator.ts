#!/usr/bin/env node
// The Prisma generator `hookgraph-prisma`: writes hookgraph-models.ts for `fromPrisma`. Implements Prisma's generator
// protocol, which is the same in Prisma 6 and 7: one JSON-RPC message a line, requests on stdin, answers on stderr.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { readModels } from './datamodel.js';
import { sourceModels } from './source-models.js';
import { type Dmmf, type Syntax, toModels, writeModels } from './write-models.js';

const FILE = 'hookgraph-models.ts';

const manifest = { prettyName: 'Hookgraph models', defaultOutput: FILE };

interface GenerateOptions {
  generator: { output: { value: string | null } | null; config: Record<string, unknown> };
  dmmf: Dmmf;
}

/**
 * Writes the models to the configured file, or to hookgraph-models.ts in the configured folder. Beside a `.js` file, it
 * writes a declaration file. A `.json` file gets the source models, for other programs.
 */
function generate({ generator: { output, config }, dmmf }: GenerateOptions): null {
  const given = output?.value ?? FILE;
  if (given.endsWith('.json')) {
    writeFileSync(given, JSON.stringify(sourceModels(readModels(toModels(dmmf)))));
    return null;
  }
  const file = /\.[cm]?[jt]s$/.test(given) ? given : join(given, FILE);
  const { source, declaration } = writeModels(dmmf, syntaxOf(file, config.moduleFormat));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, source);
  if (declaration !== null) writeFileSync(file.replace(/js$/, 'd.ts').replace(/\.([cm])d\.ts$/, '.d.$1ts'), declaration);
  return null;
}

function syntaxOf(file: string, moduleFormat: unknown): Syntax {
  if (file.endsWith('ts')) return 'ts';
  if (file.endsWith('.cjs')) return 'cjs';
  if (file.endsWith('.mjs') || moduleFormat === undefined || moduleFormat === 'esm') return 'esm';
  if (moduleFormat === 'cjs') return 'cjs';
  throw new Error(`moduleFormat of the generator hookgraph is ${JSON.stringify(moduleFormat)}, but it must be "esm" or "cjs".`);
}

const methods: Record<string, (params: never) => unknown> = { getManifest: () => ({ manifest }), generate };

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const { id, method, params } = JSON.parse(line);
  let answer: object;
  try {
    const run = methods[method];
    if (!run) throw new Error(`hookgraph-prisma does not implement the generator method ${method}`);
    answer = { result: run(params as never) };
  } catch (error) {
    const { message, stack } = error as Error;
    answer = { error: { code: 1, message, data: { stack } } };
  }
  process.stderr.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
}
