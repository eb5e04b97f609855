// Finds the table of a type: the table that the host names, the table of the source's model, or a table whose name
// matches the type's.
import type { SourceModel } from '../source.js';
import type { CatalogTable } from './read-catalog.js';
import type { TableDefaults, TableOptions } from './table-options.js';

interface TableSearch {
  typename: string;
  options: TableOptions;
  defaults: TableDefaults;
  catalog: CatalogTable[];
  models: SourceModel[];
}

export type FoundTable = { table: CatalogTable } | { problem: { message: string; hint: string } };

export function findTable({ typename, options, defaults, catalog, models }: TableSearch): FoundTable {
  const schema = defaults.schema ?? 'public';
  const refuse = (
    message: string,
    hint = `Set \`table: '<name>'\`. The database has the tables ${
      catalog
        .map(({ name }) => name)
        .slice(0, 40)
        .join(', ') || '(none)'
    }.`,
  ) => ({
    problem: { message, hint },
  });
  const tableNamed = (relation: { schema: string; name: string }) =>
    catalog.find((table) => table.schema === relation.schema && table.name === relation.name);
  if (options.table !== undefined) {
    const dot = options.table.indexOf('.');
    // Tries the whole text first, because a table's name may itself contain a dot.
    const candidates = [
      { schema, name: options.table },
      ...(dot < 0 ? [] : [{ schema: options.table.slice(0, dot), name: options.table.slice(dot + 1) }]),
    ];
    const table = candidates.map(tableNamed).find((found) => found !== undefined);
    return table ? { table } : refuse(`\`table\` names "${options.table}", but the database has no such table.`);
  }
  const model = models.find((candidate) => candidate.typename === typename);
  if (model) {
    const table = tableNamed(model.table);
    return table
      ? { table }
      : refuse(
          `the table of its model, ${model.table.schema}.${model.table.name}, isn't in this database.`,
          'Run the migrations of your application first.',
        );
  }
  const names = namesFor(typename);
  const matching = catalog.filter((table) => table.schema === schema && names.includes(table.name));
  const [table, second] = matching;
  if (second) return refuse(`several tables match the type's name: ${matching.map(({ name }) => name).join(', ')}.`);
  return table ? { table } : refuse(`no table matches the type's name; Hookgraph looked for ${names.join(', ')}.`);
}

/**
 * Lists possible table names of a type: `OrderLine` gives `OrderLine`, `orderLine`, `order_line`, `orderline` and their
 * plurals.
 */
function namesFor(typename: string): string[] {
  const snake = typename
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase();
  const stems = [typename, typename.charAt(0).toLowerCase() + typename.slice(1), snake, typename.toLowerCase()];
  return [...new Set(stems.flatMap((stem) => [stem, ...pluralsOf(stem)]))];
}

const pluralsOf = (word: string): string[] => [
  `${word}s`,
  ...(/(s|x|z|ch|sh)$/.test(word) ? [`${word}es`] : []),
  ...(/[^aeiou]y$/.test(word) ? [`${word.slice(0, -1)}ies`] : []),
];
