// Parses the URL of a database as psql does, and says what is wrong with a URL that it can't read.

/** The parts of a URL. Parts that the URL leaves out are missing; `hosts` and `ports` are lists, because it may name several servers. */
export interface DatabaseUrl {
  hosts: string[];
  ports: string[];
  user?: string;
  password?: string;
  database?: string;
  parameters: Record<string, string>;
}

/** A fault of a URL; its message continues the words "DATABASE_URL is (a secret), but it", and contains no part of the URL's password. */
export class UrlFault extends Error {}

const EXAMPLE = 'postgres://user:password@host:5432/database';
export const ENCODE = 'In user and password, write / as %2F, @ as %40, : as %3A, ? as %3F, # as %23, % as %25, [ as %5B and ] as %5D.';

/** Parameters at which the query of a URL begins although no path precedes it; any other `?` before an @ belongs to the password. */
const PATH_OR_QUERY = /\/|\?(?=(host|port|user|password|dbname|options|service|sslmode|sslrootcert|target_session_attrs)=)/;

/** Parses `postgres://user:password@host:port,host:port/database?name=value`. @throws UrlFault */
export function parseDatabaseUrl(text: string): DatabaseUrl {
  const rest = afterScheme(text.trim());
  const stop = rest.search(PATH_OR_QUERY);
  const authority = stop < 0 ? rest : rest.slice(0, stop);
  const at = authority.lastIndexOf('@');
  const servers = authority.slice(at + 1).replace(/\?.*$/s, '');
  const tail = rest.slice(at + 1 + servers.length);
  const [path = '', query] = splitAt(tail, '?');
  if (/^\/.*[/@]/s.test(path) || tail.includes('#')) throw unreadable();
  const parameters = parseQuery(query ?? '');
  const login = at < 0 ? [] : splitAt(authority.slice(0, at), ':');
  const [hosts, ports] = parseServers(servers);
  const user = parameters.user ?? decode(login[0], 'user');
  const password = parameters.password ?? decode(login[1], 'password');
  const database = parameters.dbname ?? decode(path.slice(1), 'database');
  return {
    hosts: parameters.host ? parameters.host.split(',') : hosts,
    ports: parameters.port ? parameters.port.split(',') : ports,
    ...(user && { user }),
    ...(password && { password }),
    ...(database && { database }),
    parameters,
  };
}

function afterScheme(text: string): string {
  const [scheme] = /^postgres(ql)?:\/\//i.exec(text) ?? [];
  if (scheme) return text.slice(scheme.length);
  if (/^["'`]/.test(text)) throw new UrlFault(`must be a URL like ${EXAMPLE}, without quotation marks around it`);
  if (/^jdbc:/i.test(text)) throw new UrlFault(`must be a URL like ${EXAMPLE}, without jdbc: before it`);
  if (/^\s*\w+\s*=/.test(text)) throw new UrlFault(`must be a URL like ${EXAMPLE}, not keywords like host=… dbname=…`);
  throw new UrlFault(`must be a URL like ${EXAMPLE}`);
}

function unreadable(): UrlFault {
  return new UrlFault(`must be a URL like ${EXAMPLE}. ${ENCODE}`);
}

function splitAt(text: string, separator: string): [string, string?] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function parseServers(text: string): [hosts: string[], ports: string[]] {
  if (text === '') return [[], []];
  const servers = text.split(',').map((server) => {
    const found = /^(?:\[(?<address>[^[\]]+)\]|(?<name>[^:[\]@ ]*))(?::(?<port>\d*))?$/.exec(server)?.groups;
    if (!found) throw unreadable();
    return [found.address ?? (decode(found.name, 'host') as string), found.port ?? ''] as const;
  });
  return [servers.map(([host]) => host), servers.map(([, port]) => port)];
}

function parseQuery(text: string): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const pair of text.split('&').filter(Boolean)) {
    const [name, value = ''] = splitAt(pair, '=');
    if (!/^[\w.-]+$/.test(name)) throw unreadable();
    // psql keeps a `+`. node-postgres reads it as a space, which `options` written for node-postgres may rely on.
    parameters[name] = decode(name === 'options' ? value.replaceAll('+', ' ') : value, name) ?? '';
  }
  return parameters;
}

/** Percent-decodes UTF-8. Returns a text unchanged if its % doesn't begin an escape such as %40, as node-postgres does. */
function decode(text: string | undefined, part: string): string | undefined {
  if (text === undefined) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    if (!/%[0-9a-f]{2}/i.test(text)) return text;
    throw new UrlFault(`has a % in its ${part} that no two hexadecimal digits of UTF-8 follow. Write % as %25, and ä as %C3%A4`);
  }
}
