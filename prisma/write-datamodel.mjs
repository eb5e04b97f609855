// A Prisma generator: the parsed schema in, src/generated/nodes/datamodel.ts out.
// Prisma's own clients keep no column types, keys and comments; announced nodes, snapshots and descriptions need them.
// Speaks Prisma's generator protocol: a JSON-RPC message a line, requests on stdin, answers on stderr.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

/** Functions in `@default` that no database has. */
const PRISMAS_OWN = ['cuid', 'nanoid', 'ulid', 'uuid'];

function toField({
  name,
  kind,
  type,
  dbName,
  isList,
  isRequired,
  isId,
  isUnique,
  nativeType,
  relationName,
  relationFromFields,
  relationToFields,
  hasDefaultValue,
  default: byDefault,
  isUpdatedAt,
  documentation,
}) {
  return {
    name,
    kind,
    type,
    column: dbName ?? name,
    isList,
    isRequired,
    isId,
    isUnique,
    nativeType: nativeType?.[0] ?? null,
    relationName,
    relationFromFields,
    relationToFields,
    hasDefaultValue,
    isMadeByPrisma: isUpdatedAt || PRISMAS_OWN.includes(byDefault?.name),
    documentation,
  };
}

function toModel({ name, dbName, schema, fields, primaryKey, uniqueFields, uniqueIndexes, documentation }) {
  return {
    name,
    table: dbName ?? name,
    schema: schema ?? 'public',
    fields: fields.map(toField),
    primaryKey,
    uniqueFields,
    uniqueIndexes,
    documentation,
  };
}

function toEnum({ name, values, documentation }) {
  return {
    name,
    values: values.map((value) => ({ name: value.name, stored: value.dbName ?? value.name, documentation: value.documentation })),
    documentation,
  };
}

function generate({ generator, dmmf }) {
  const datamodel = { models: dmmf.datamodel.models.map(toModel), enums: dmmf.datamodel.enums.map(toEnum) };
  const path = generator.output.value;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `// Written by prisma/write-datamodel.mjs.\nexport const datamodel: unknown = JSON.parse(${JSON.stringify(JSON.stringify(datamodel))});\n`,
  );
  return null;
}

const methods = { getManifest: () => ({ manifest: { prettyName: 'datamodel', defaultOutput: 'datamodel.ts' } }), generate };

for await (const line of createInterface({ input: process.stdin })) {
  if (!line.trim()) continue;
  const { id, method, params } = JSON.parse(line);
  let answer;
  try {
    answer = { result: methods[method](params) };
  } catch (error) {
    answer = { error: { code: 1, message: error.message, data: { stack: error.stack } } };
  }
  process.stderr.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`);
}
