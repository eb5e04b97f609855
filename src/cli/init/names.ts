// Guesses by name for `hookgraph init`: the GraphQL type of a table, which tables belong to tools, and which columns hold
// secrets or the tenant.
import type { CatalogColumn } from '../../sources/catalog/read-catalog.js';

const IRREGULAR: Record<string, string> = { people: 'person', children: 'child', men: 'man', women: 'woman', media: 'media', news: 'news' };

function singular(word: string): string {
  const irregular = IRREGULAR[word.toLowerCase()];
  if (irregular) return word.charAt(0) + irregular.slice(1);
  if (/[^aeiou]ies$/i.test(word)) return `${word.slice(0, -3)}y`;
  if (/(ss|x|z|ch|sh)es$/i.test(word) || /[^aeo]uses$/i.test(word)) return word.slice(0, -2);
  return /[^su]s$/i.test(word) && !/is$/i.test(word) ? word.slice(0, -1) : word;
}

/** Returns a type name for a table: `booking_slots` becomes `BookingSlot`. */
export function typenameOf(table: string): string {
  const words = table.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const last = words.pop() ?? 'Row';
  // In `OrderLines`, the last word is `Lines`.
  const [, start = '', end = last] = /^(.*[a-z0-9])([A-Z][a-z]+)$/.exec(last) ?? [];
  const name = [...words, start + singular(end)].map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z]/.test(name) ? name : `Table${name}`;
}

export const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** `deletedAt` and `deleted_at` both become `deleted_at`. */
export const snakeCase = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase();

const TOOLS_SCHEMAS = /^(pgboss|cron|auth|storage|realtime|vault|extensions|drizzle|partman|tiger|topology|_timescaledb.*)$/;

const TOOLS_TABLES = new RegExp(
  `^_*(${[
    '(prisma|drizzle|knex|mikro_orm|sequelize|pg|typeorm|node_pg|django)_?migrations?(_lock)?',
    'kysely_migration(_lock)?|pgmigrations|sequelize_?meta|typeorm_metadata|migrations?|schema_migrations|ar_internal_metadata',
    'flyway_schema_history|databasechangelog(lock)?|goose_db_version|alembic_version|spatial_ref_sys|django_(session|content_type|admin_log)',
  ].join('|')})$`,
);

/** Tables of authentication and job queues: their rows hold secrets or are short-lived. */
const SIGN_IN_TABLES =
  /^((user_?|auth_?|login_?|web_?)?sessions?|(refresh|access|api|verification|reset|remember)_?tokens?|password_resets?|oauth_\w+|jobs?|job_queue)$/;

/** Returns why a table isn't announced, judging by its name; `null` when the name suggests no reason. */
export function toolOf({ schema, name }: { schema: string; name: string }): string | null {
  const plain = snakeCase(name);
  if (TOOLS_SCHEMAS.test(schema) || TOOLS_TABLES.test(plain)) return 'the table belongs to a tool';
  if (SIGN_IN_TABLES.test(plain)) return 'its name suggests sessions, tokens or jobs';
  return null;
}

const SECRET =
  /(^|_)(pass(word|wd|phrase|code)?|pwd|secrets?|tokens?|(api|private|access|secret|encryption|signing)_?keys?|hash|salt|otp|totp|mfa|pin|ssn|iban|bic|tax_id|card_number|cvv|cvc|credentials?|recovery_codes?)(_|$)/;

const CAN_BE_SECRET = new Set(['text', 'varchar', 'bpchar', 'citext', 'bytea', 'json', 'jsonb', 'uuid']);

export const looksSecret = ({ name, type }: CatalogColumn): boolean => CAN_BE_SECRET.has(type) && SECRET.test(snakeCase(name));

/** Column names (without `_id`) that suggest a tenant, the most likely first. */
const TENANTS = [
  'tenant',
  'organi[sz]ation',
  'org',
  'workspace',
  'account',
  'company',
  'shop',
  'store',
  'merchant',
  'team',
  'business',
  'site',
];

/** Returns how likely a column holds the tenant, judging by its name: 0 is the most likely; `null` when it probably doesn't. */
export function tenantRank(column: string): number | null {
  const base = /^(.+?)_?(id|uuid|key)$/.exec(snakeCase(column))?.[1];
  const rank = TENANTS.findIndex((name) => new RegExp(`^${name}$`).test(base ?? ''));
  return rank < 0 ? null : rank;
}

export const looksLikeUsers = (table: string): boolean =>
  /^(app_|account_)?(user|staff|agent|employee|member|person|admin|operator|profile)(_account)?$/.test(snakeCase(typenameOf(table)));
