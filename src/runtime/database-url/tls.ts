// Decides from the URL's parameters whether connections to Postgres are encrypted, and which certificates they trust, as psql does.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ConnectionOptions, SecureVersion } from 'node:tls';
import type { DatabaseUrl } from './parse.js';
import { UrlFault } from './parse.js';

/** The `ssl` option of node-postgres. */
export type Tls = false | ConnectionOptions;

type Environment = Record<string, string | undefined>;

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify'];

/**
 * Returns the ways to try, in this order. `require` encrypts without verifying the server, unless a file of trusted
 * authorities exists. Only `verify-full` always compares the host's name.
 * @throws UrlFault for an unknown mode or a file that can't be read
 */
export function waysToEncrypt({ parameters }: Pick<DatabaseUrl, 'parameters'>, env: Environment): [Tls, ...Tls[]] {
  const mode = modeOf(parameters, env);
  if (!MODES.includes(mode)) throw new UrlFault(`has the sslmode ${JSON.stringify(mode)}, but it must be ${MODES.join(', ')}`);
  if (mode === 'disable') return [false];
  const tls = tlsOf(mode, parameters, env);
  if (mode === 'allow') return [false, tls];
  return mode === 'prefer' ? [tls, false] : [tls];
}

function modeOf({ sslmode, ssl, sslnegotiation }: Record<string, string>, env: Environment): string {
  if (sslmode) return sslmode;
  if (ssl === 'no-verify') return ssl;
  // `ssl` is node-postgres' own parameter; with it, node-postgres verifies the server.
  if (ssl !== undefined) return /^(0|false|)$/i.test(ssl) ? 'disable' : 'verify-full';
  return env.PGSSLMODE || (sslnegotiation === 'direct' ? 'require' : 'disable');
}

function tlsOf(mode: string, parameters: Record<string, string>, env: Environment): ConnectionOptions {
  const file = (name: string, usual: string) => {
    const path = parameters[name] || env[`PG${name.toUpperCase()}`];
    if (path) return path === 'system' && name === 'sslrootcert' ? null : readNamed(name, path);
    const home = join(homedir(), '.postgresql', usual);
    return existsSync(home) ? readNamed(name, home) : null;
  };
  const verifies = mode === 'require' || mode.startsWith('verify');
  const ca = verifies ? file('sslrootcert', 'root.crt') : null;
  const isSystem = (parameters.sslrootcert || env.PGSSLROOTCERT) === 'system';
  const [cert, key] = [file('sslcert', 'postgresql.crt'), file('sslkey', 'postgresql.key')];
  const crl = parameters.sslcrl ? readNamed('sslcrl', parameters.sslcrl) : null;
  const { sslpassword: passphrase, ssl_min_protocol_version: minVersion, ssl_max_protocol_version: maxVersion } = parameters;
  return {
    // Without a given authority, verify-ca compares the name, too: otherwise any certificate of a public authority would be accepted.
    rejectUnauthorized: ca !== null || isSystem || mode.startsWith('verify'),
    ...(ca !== null && { ca, ...(mode !== 'verify-full' && { checkServerIdentity: () => undefined }) }),
    ...(cert !== null && key !== null && { cert, key, ...(passphrase && { passphrase }) }),
    ...(crl !== null && { crl }),
    ...(minVersion && { minVersion: minVersion as SecureVersion }),
    ...(maxVersion && { maxVersion: maxVersion as SecureVersion }),
  };
}

function readNamed(name: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UrlFault(`must name a readable file in ${name}: ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
}
