// Writes the generated pages of the documentation, and formats their tables.
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type GraphQLSchema, isEnumType, isInterfaceType, isObjectType } from 'graphql';

export const code = (text: string) => `\`${text}\``;

export const table = (head: string[], rows: string[][]) =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll(/\s*\n\s*/g, ' ')).join(' | ')} |`)
    .join('\n');

/** Formats an enum of the API as a table of its values and descriptions. */
export function enumTable(schema: GraphQLSchema, name: string): string {
  const type = schema.getType(name);
  if (!isEnumType(type)) throw new Error(`The schema has no enum ${name}`);
  return table(
    [name, 'meaning'],
    type.getValues().map((value) => [code(value.name), value.description ?? '']),
  );
}

/** Formats an object type of the API as a table of its fields, with their types, arguments and descriptions. */
export function fieldTable(schema: GraphQLSchema, name: string): string {
  const type = schema.getType(name);
  if (!isObjectType(type) && !isInterfaceType(type)) throw new Error(`The schema has no type ${name}`);
  const rows = Object.values(type.getFields()).map(({ name: field, args, type: of, description, deprecationReason }) => {
    const given = args.length > 0 ? ` Arguments: ${args.map((arg) => code(arg.name)).join(', ')}.` : '';
    return [code(field), code(String(of)), `${deprecationReason ? `Deprecated: ${deprecationReason} ` : ''}${description ?? ''}${given}`];
  });
  return table([name, 'type', 'meaning'], rows);
}

/** Writes the page; with --check, sets the exit code 1 when the file differs. */
export async function writePage(name: string, text: string): Promise<void> {
  const file = resolve(import.meta.dirname, '..', name);
  if (!process.argv.includes('--check')) {
    await writeFile(file, text);
    console.log(`wrote ${name}`);
  } else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(`${name} is out of date: run \`npm run docs\` and review the difference.`);
    process.exitCode = 1;
  } else console.log(`${name} is up to date`);
}
