// Says what helps when connecting to the database failed.
import { ENCODE } from './parse.js';

/** Pairs an error, matched as its code, a space and its message, with advice. The first match counts. */
const ADVICE: [match: RegExp, advice: string][] = [
  [/^28P01/, `Check user and password in DATABASE_URL. ${ENCODE}`],
  [/^28000 .*no encryption/, 'The server takes only encrypted connections from here: add sslmode=require to DATABASE_URL.'],
  [/^28000 .*SSL encryption/, 'The server refuses this user over an encrypted connection: try sslmode=disable in DATABASE_URL.'],
  [/^28000/, 'Check user and password in DATABASE_URL, and the rules in pg_hba.conf of the server.'],
  [/^3D000/, 'Create the database, or correct its name in DATABASE_URL.'],
  [
    /^25006/,
    'The database takes no writes: it is a standby, default_transaction_read_only is on, or its provider made it read-only because its disk is full.',
  ],
  [/^53300/, 'Raise max_connections of the server, put a pooler in front of it, or close other connections.'],
  [/^57P03/, 'The server is starting or stopping: try again in a moment.'],
  [/^(ENOTFOUND|EAI_AGAIN)/, "Check the host's name in DATABASE_URL."],
  [/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)/, 'Is the database running? Check host and port in DATABASE_URL.'],
  [
    /^(ENOENT|EACCES|ENOTDIR) connect/,
    'Is the database running? Check the folder of the Unix socket in DATABASE_URL, and who may enter it.',
  ],
  [/ timeout expired| connection timeout/, 'Nothing answered in time: check host and port in DATABASE_URL, and firewalls.'],
  [/password must be a string/, 'The server asks for a password: write it into DATABASE_URL, or set PGPASSWORD.'],
  [/does not support SSL/, 'Turn on `ssl` of the server, or set sslmode=disable in DATABASE_URL.'],
  [
    /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|CERT_UNTRUSTED|CERT_SIGNATURE)/,
    "Name the file of the authority's certificate with sslrootcert=… in DATABASE_URL. sslmode=require encrypts without verifying the server, unless ~/.postgresql/root.crt exists; a pool of your own needs connectionOptions() of hookgraph for that.",
  ],
  [/^CERT_HAS_EXPIRED/, "Renew the server's certificate. sslmode=require encrypts without verifying it."],
  [/^ERR_TLS_CERT_ALTNAME/, 'Connect by a name in the certificate, or set sslmode=verify-ca in DATABASE_URL to verify only who signed it.'],
  [/^(ERR_SSL|ERR_TLS|ERR_OSSL|EPROTO)/, 'Check sslcert, sslkey, sslrootcert and the TLS versions in DATABASE_URL.'],
  [/an SSL connection/, 'Check that host and port in DATABASE_URL belong to a Postgres.'],
];

/** Returns advice; `null` for an error that doesn't occur when connecting to a database. */
export function adviceOn(error: unknown): string | null {
  const { code, message } = causeOf(error) as { code?: unknown; message?: unknown };
  const text = `${String(code ?? '')} ${String(message ?? '')}`;
  return ADVICE.find(([match]) => match.test(text))?.[1] ?? null;
}

/** Returns the first of several errors: a host with several addresses fails with one error for each. */
export function causeOf(error: unknown): Error {
  return error instanceof AggregateError && error.errors.length > 0 ? (error.errors[0] as Error) : (error as Error);
}
