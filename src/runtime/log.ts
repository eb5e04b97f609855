// Creates the process's logger on stderr: readable lines on a terminal, JSON elsewhere. Secrets are redacted.
import { Writable } from 'node:stream';
import { pino } from 'pino';
import type { Config } from './config.js';
import type { Logger } from './logger.js';
import { roleField } from './process-role.js';
import { visible } from './visible-text.js';

/** Names of fields that are redacted, as a second line of defence: no code logs these fields on purpose. */
const SECRETS =
  `authorization Authorization cookie sharedSecret secret secrets secretTexts oldSecrets token password passphrase clientSecret privateKey
  adminToken encryptionKeys keys databaseUrl connectionString`.split(/\s+/);
const REDACTED = [...SECRETS, ...SECRETS.map((name) => `*.${name}`), ...SECRETS.map((name) => `*.*.${name}`)];

export function createLog(level: Config['logLevel'], out: NodeJS.WriteStream = process.stderr): Logger {
  const options = {
    level,
    base: roleField(),
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: REDACTED, censor: '[redacted]' },
    serializers: { error: describeError, err: describeError },
  };
  return pino(options, out.isTTY ? forPeople(out) : out);
}

// Copies an error's fields by name, because pg's errors contain a whole connection object.
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, hint, cause } = error as Error & { code?: unknown; hint?: unknown };
  const errors = error instanceof AggregateError ? error.errors.map(describeError) : undefined;
  return { type: error.name, message: error.message, stack: error.stack, code, hint, cause: cause && describeError(cause), errors };
}

function forPeople(out: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      const { level, time, role: _role, msg, error, err, ...rest } = JSON.parse(String(chunk));
      const details = Object.entries(rest).map(([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
      const failure = error ?? err;
      const trace = failure
        ? `\n  ${failure.stack ?? failure.message ?? JSON.stringify(failure)}${failure.hint ? `\n  ${failure.hint}` : ''}`
        : '';
      out.write(
        visible(`${String(time).slice(11, 23)} ${String(level).toUpperCase().padEnd(5)} ${msg ?? ''}${details.join('')}${trace}\n`),
      );
      done();
    },
  });
}
