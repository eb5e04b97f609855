// Resolves host names by DNS queries instead of Node's lookup threads. All names share these threads, so a few silent name servers would
// delay every lookup.
import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { within } from '../../../runtime/time-limit.js';

export interface NameLookupOptions {
  /** Whether private names are allowed. They can be known to sources other than DNS, such as search domains, LDAP or mDNS. */
  privateNames: boolean;
  /** DNS servers as `address:port`. Default: those of the system. */
  servers?: string[];
  /** Resolves a name in a thread, from every source that the system has. Default: Node's `lookup`. */
  systemLookup?: NameLookup;
}

export type NameLookup = (host: string) => Promise<LookupAddress[]>;

/**
 * Milliseconds to wait for a DNS server, and the number of queries for one name. Node's resolver (c-ares) waits twice as long for the
 * second query.
 */
const QUERY = { timeout: 1_500, tries: 2 };
/** Milliseconds after which the resolver is replaced, because it reads the system's list of DNS servers only when it is created. */
const RESOLVER_AGE_MS = 10_000;
/** Milliseconds to wait for IPv6 addresses once IPv4 addresses are known: https://www.rfc-editor.org/rfc/rfc8305#section-3 */
const IPV6_DELAY_MS = 50;
/** Milliseconds to wait for IPv4 addresses once IPv6 addresses are known. It is longer, because many networks have no IPv6. */
const IPV4_DELAY_MS = 500;
/** Maximum number of lookups in threads for names that DNS doesn't know. Node has two threads for lookups. */
const MAX_THREADS = 1;
/** Milliseconds for which a name that no source knows is not looked up in a thread again. */
const UNKNOWN_MS = 60_000;
const MAX_UNKNOWN = 1_000;
const HOSTS_FILE = '/etc/hosts';
/** Codes of names that don't exist in DNS. Another source of the system may know them. */
const NOT_IN_DNS = new Set(['ENOTFOUND', 'ENODATA']);
/** The error code when no DNS server runs at the configured address. The system may resolve names in another way. */
const NO_DNS = 'ECONNREFUSED';

/** Creates the function that resolves host names for a process. It rejects with the DNS resolver's error. */
export function createNameLookup({ privateNames, servers, systemLookup = lookupInThread }: NameLookupOptions): NameLookup {
  const resolver = keptFresh(servers);
  const lookupUnknown = boundThreads(systemLookup);
  return async (host) => {
    // Windows knows names from sources other than DNS that no file lists.
    if (process.platform === 'win32' || hostsFile().has(host)) return systemLookup(host);
    try {
      return await queryDns(resolver(), host);
    } catch (error) {
      const { code = '' } = error as { code?: string };
      if (code === NO_DNS || (privateNames && NOT_IN_DNS.has(code))) return lookupUnknown(host, error);
      throw error;
    }
  };
}

const lookupInThread: NameLookup = (host) => lookup(host, { all: true, verbatim: true });

function keptFresh(servers: string[] | undefined): () => Resolver {
  let resolver: Resolver;
  let madeMs = Number.NEGATIVE_INFINITY;
  return () => {
    if (performance.now() - madeMs > RESOLVER_AGE_MS) {
      resolver = new Resolver(QUERY);
      if (servers) resolver.setServers(servers);
      madeMs = performance.now();
    }
    return resolver;
  };
}

/**
 * Queries a host's IPv4 and IPv6 addresses at once. When one query has succeeded, waits only a short time for the other.
 * @throws the resolver's error when both queries fail
 */
async function queryDns(resolver: Resolver, host: string): Promise<LookupAddress[]> {
  const found: { 4: LookupAddress[]; 6: LookupAddress[] } = { 4: [], 6: [] };
  const query = async (family: 4 | 6) => {
    const addresses = await (family === 4 ? resolver.resolve4(host) : resolver.resolve6(host));
    found[family] = addresses.map((address) => ({ address, family }));
  };
  const queries = [query(4), query(6)];
  const both = Promise.allSettled(queries);
  await Promise.any(queries).catch(({ errors }: AggregateError) => {
    // "No address of this family" says less than the other query's error.
    throw errors.find(({ code }) => code !== 'ENODATA') ?? errors[0];
  });
  await within(found[4].length > 0 ? IPV6_DELAY_MS : IPV4_DELAY_MS, both);
  return hasIPv6() ? [...found[6], ...found[4]] : [...found[4], ...found[6]];
}

/** Whether this machine has an IPv6 address that reaches other networks. */
function hasIPv6(): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return own.some(({ family, internal, address }) => family === 'IPv6' && !internal && !address.startsWith('fe80:'));
}

/**
 * Limits the lookups in threads, and remembers unknown names: a hostile name server could answer DNS queries with "no such name" and never
 * answer the queries of the threads.
 */
function boundThreads(systemLookup: NameLookup): (host: string, dnsError: unknown) => Promise<LookupAddress[]> {
  const unknown = new Map<string, number>();
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (host, dnsError) => {
    if (performance.now() - (unknown.get(host) ?? Number.NEGATIVE_INFINITY) < UNKNOWN_MS) throw dnsError;
    if (running === MAX_THREADS) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await systemLookup(host);
    } catch (error) {
      unknown.delete(host);
      unknown.set(host, performance.now());
      if (unknown.size > MAX_UNKNOWN) unknown.delete(unknown.keys().next().value as string);
      throw error;
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** The names in /etc/hosts, read again when the file changes. DNS doesn't know these names, or has other addresses for them. */
function hostsFile(): Set<string> {
  const changedMs = statSync(HOSTS_FILE, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changedMs !== hosts.changedMs) hosts = { changedMs, names: changedMs === 0 ? new Set() : namesIn(readFileSync(HOSTS_FILE, 'utf8')) };
  return hosts.names;
}
let hosts = { changedMs: 0, names: new Set<string>() };

function namesIn(text: string): Set<string> {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/).slice(1));
  return new Set(lines.flat());
}
