// Generates the text of the models file from Prisma's parsed schema, because generated Prisma clients lack the column
// types, keys and comments that Hookgraph needs.
import { FORMAT, type GeneratedModels } from './datamodel.js';

/** Functions in `@default` whose values Prisma computes instead of the database. */
const PRISMAS_OWN = ['auto', 'cuid', 'nanoid', 'ulid', 'uuid'];

/** The used parts of the parsed schema (DMMF) that Prisma 6 and 7 pass to generators. */
export interface Dmmf {
  datamodel: { models: readonly DmmfModel[]; enums: readonly DmmfEnum[] };
}

interface DmmfModel {
  name: string;
  dbName: string | null;
  schema?: string | null;
  fields: readonly DmmfField[];
  primaryKey: { name?: string | null; fields: readonly string[] } | null;
  uniqueFields: readonly (readonly string[])[];
  uniqueIndexes: readonly { name?: string | null; fields: readonly string[] }[];
  documentation?: string;
}

interface DmmfField {
  name: string;
  kind: string;
  type: string;
  dbName?: string | null;
  isList: boolean;
  isRequired: boolean;
  isId: boolean;
  isUnique: boolean;
  nativeType?: readonly [string, readonly string[]] | null;
  relationName?: string;
  relationFromFields?: readonly string[];
  relationToFields?: readonly string[];
  relationOnDelete?: string;
  hasDefaultValue: boolean;
  default?: unknown;
  isUpdatedAt?: boolean;
  documentation?: string;
}

interface DmmfEnum {
  name: string;
  values: readonly { name: string; dbName?: string | null; documentation?: string }[];
  documentation?: string;
}

export type Syntax = 'ts' | 'esm' | 'cjs';

/** Returns the value that the generated file exports. */
export const toModels = ({ datamodel: { models, enums } }: Dmmf): GeneratedModels => ({
  format: FORMAT,
  // The round trip through JSON drops undefined values, as the generated file does.
  datamodel: JSON.parse(JSON.stringify({ models: models.map(toModel), enums: enums.map(toEnum) })),
});

/**
 * Returns the texts of the generated source file and of its declaration file; the declaration is `null` for TypeScript.
 */
export function writeModels(dmmf: Dmmf, syntax: Syntax): { source: string; declaration: string | null } {
  const { models, enums } = dmmf.datamodel;
  const value = `{\n  format: ${FORMAT},\n  datamodel: {\n    models: ${list(models.map(toModel))},\n    enums: ${list(enums.map(toEnum))},\n  },\n}`;
  const note = '// Written by hookgraph-prisma from the Prisma schema; `prisma generate` overwrites this file.\n';
  const lint = '/* eslint-disable */\n// biome-ignore-all lint: generated\n';
  const type = '{ format: number; datamodel: unknown }';
  if (syntax === 'ts') return { source: `${note}${lint}export const models: ${type} = ${value};\n`, declaration: null };
  const start = syntax === 'esm' ? 'export const models =' : "'use strict';\nexports.models =";
  return { source: `${note}${lint}${start} ${value};\n`, declaration: `${note}export declare const models: ${type};\n` };
}

/** Writes each item on a separate line, so that a diff shows which models and enums have changed. */
const list = (items: object[]): string => `[\n${items.map((item) => `      ${JSON.stringify(item)},\n`).join('')}    ]`;

function toModel({ name, dbName, schema, fields, primaryKey, uniqueFields, uniqueIndexes, documentation }: DmmfModel) {
  const toIndex = (index: { name?: string | null; fields: readonly string[] }) => ({ name: index.name ?? null, fields: index.fields });
  return {
    name,
    table: dbName ?? name,
    schema: schema ?? null,
    fields: fields.map(toField),
    primaryKey: primaryKey && toIndex(primaryKey),
    uniqueFields,
    uniqueIndexes: uniqueIndexes.map(toIndex),
    documentation,
  };
}

function toField(field: DmmfField) {
  const { name, kind, type, isList, isRequired, isId, isUnique, relationName, relationFromFields, relationToFields } = field;
  return {
    name,
    kind,
    type,
    column: field.dbName ?? name,
    isList,
    isRequired,
    isId,
    isUnique,
    nativeType: field.nativeType?.[0] ?? null,
    relationName,
    relationFromFields,
    relationToFields,
    onDelete: field.relationOnDelete,
    hasDefaultValue: field.hasDefaultValue,
    isMadeByPrisma: field.isUpdatedAt === true || PRISMAS_OWN.includes((field.default as { name?: string } | null | undefined)?.name ?? ''),
    documentation: field.documentation,
  };
}

function toEnum({ name, values, documentation }: DmmfEnum) {
  return {
    name,
    values: values.map((value) => ({ name: value.name, stored: value.dbName ?? value.name, documentation: value.documentation })),
    documentation,
  };
}
