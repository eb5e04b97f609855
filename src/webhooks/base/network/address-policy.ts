// Decides whether a URL may be saved as a destination, and which addresses a connection may use.
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { domainToUnicode } from 'node:url';
import { parsePorts, USUAL_PORTS } from '../../../runtime/ports.js';
import { LATE, within } from '../../../runtime/time-limit.js';
import type { Settings } from '../engine.js';
import { type Problem, WebhooksError } from '../errors.js';
import { canonical, isAllowed, isBlocked, isLoopback } from './address.js';
import { AddressRefused, type Endpoint } from './guard.js';
import { createNameLookup } from './name-lookup.js';

export type ReachSettings = Pick<Settings, 'allowedNetworks' | 'allowedPorts' | 'forbiddenEndpoints' | 'lookup'>;

/** The destination of a connection. */
export interface Target {
  /** A host name or an IP address in lower case, without IPv6 brackets and trailing dots. */
  host: string;
  port: number;
  /** Whether TLS is used. Plain http is accepted only for allowed networks. */
  secure: boolean;
}

export interface Reach {
  vetUrl(url: string, field?: string): Promise<Problem | null>;
  /** Resolves the target to its addresses, and checks each. @throws AddressRefused when one is refused; the resolver's errors */
  addressesOf(target: Target): Promise<LookupAddress[]>;
  /** Resolves a name without checking its addresses. @throws the resolver's errors */
  resolve(host: string): Promise<LookupAddress[]>;
  forbid(endpoint: Endpoint): void;
}

export const MAX_URL_LENGTH = 2_048;
const LOOKUP_DEADLINE_MS = 3_000;
const LOCAL_NAMES = new Set(['localhost', 'localhost.localdomain', 'ip6-localhost', 'ip6-loopback']);
const METADATA_NAMES = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'instance-data',
  'instance-data.ec2.internal',
]);
/**
 * Names that only resolve inside a private network; looking them up would reveal which exist. RFC 6762 reserves `.local`, RFC
 * 8375 `.home.arpa`, and ICANN `.internal`.
 */
const INSIDE_NAMES = /^[^.]+$|\.(?:internal|local|localdomain|lan|intranet|private|corp|home|home\.arpa)$/;

export function createReach(settings: ReachSettings): Reach {
  const { allowedNetworks, allowedPorts = USUAL_PORTS, lookup = createNameLookup({ privateNames: allowedNetworks.length > 0 }) } = settings;
  const isPort = parsePorts(allowedPorts);
  if (!isPort)
    throw new WebhooksError('PORTS_INVALID', `"${allowedPorts}" is not a list of ports.`, 'Write ports such as 443,8000-8999,!8500.');
  const endpoints = [...(settings.forbiddenEndpoints ?? [])];
  const resolve = createResolver(lookup, allowedNetworks);

  /** Returns the reason to refuse a target, as far as it is known without a DNS lookup; `null` when there is none. */
  function refusalOf({ host, port, secure }: Target): string | null {
    if (!isPort?.(port)) return `deliveries may not use port ${port}; the operator sets the allowed ports with HOOKGRAPH_ALLOWED_PORTS`;
    if (!secure && allowedNetworks.length === 0) return HTTP;
    // Reasons that don't depend on Hookgraph's own endpoints come first, so that nobody can find out by trying that an internal address
    // belongs to Hookgraph.
    const blocked = isAddress(host) ? isBlocked(host, allowedNetworks) : blockedName(host, allowedNetworks);
    if (blocked) return blocked;
    return endpoints.some((own) => own.byName && own.port === port && bare(own.host) === host) ? reservedMessage(host, port) : null;
  }

  async function addressesOf(target: Target): Promise<LookupAddress[]> {
    const { host, port, secure } = target;
    const refusal = refusalOf(target);
    if (refusal) throw new AddressRefused(refusal);
    const addresses = await resolve(host);
    for (const { address } of addresses) {
      // The message must not contain the resolved address, which would reveal the internal network.
      const reason = isBlocked(address, allowedNetworks);
      if (reason) throw new AddressRefused(isAddress(host) ? reason : `"${host}" resolves to an address that is not public`);
      if (!secure && !isAllowed(address, allowedNetworks)) throw new AddressRefused(HTTP);
    }
    if (await isOwnEndpoint(endpoints, resolve, port, addresses)) throw new AddressRefused(reservedMessage(host, port));
    return addresses;
  }

  return {
    addressesOf,
    resolve,
    forbid: (endpoint) => void endpoints.push(endpoint),
    async vetUrl(url, field = 'callbackUrl') {
      const checked = checkUrl(url, field, allowedNetworks.length > 0);
      if ('problem' in checked) return checked.problem;
      const { host, secure } = checked.target;
      try {
        if ((await within(LOOKUP_DEADLINE_MS, addressesOf(checked.target))) === LATE) throw new Error('late');
        return null;
      } catch (error) {
        if (error instanceof AddressRefused)
          return { field, message: `${error.reason === HTTP ? 'must be https' : 'is not allowed as a target'}: ${error.reason}` };
        const message = `names the host "${host}", which DNS doesn't resolve`;
        return { field, message, ...(secure && { severity: 'warning' as const }) };
      }
    },
  };
}

/**
 * Creates the function that resolves a host name to its addresses. It resolves loopback names to allowed loopback addresses only, so that
 * `localhost` works if only one of 127.0.0.1 and ::1 is allowed.
 */
function createResolver(lookup: NonNullable<ReachSettings['lookup']>, allowedNetworks: ReachSettings['allowedNetworks']): Reach['resolve'] {
  const underWay = new Map<string, Promise<readonly LookupAddress[]>>();
  return async (host) => {
    if (isAddress(host)) return [{ address: host, family: isIP(host) }];
    if (isLocal(host)) return ownAddresses(host).filter(({ address }) => isAllowed(address, allowedNetworks));
    // Concurrent lookups of the same name share one DNS query.
    let answer = underWay.get(host);
    if (!answer) {
      answer = lookup(host).finally(() => underWay.delete(host));
      underWay.set(host, answer);
    }
    const addresses = await answer;
    if (addresses.length === 0) throw Object.assign(new Error(`${host} has no address`), { code: 'ENOTFOUND' });
    return [...addresses];
  };
}

/** Returns the reason to refuse a host name, as far as it is known without a DNS lookup; `null` when there is none. */
function blockedName(host: string, allowedNetworks: ReachSettings['allowedNetworks']): string | null {
  if (!isHostName(host)) return `"${host}" is not a valid host name`;
  if (METADATA_NAMES.has(host)) return `"${host}" is the name of a cloud metadata service`;
  if (isLocal(host)) return ownAddresses(host).some(({ address }) => isAllowed(address, allowedNetworks)) ? null : `${host} is not public`;
  if (allowedNetworks.length === 0 && INSIDE_NAMES.test(host))
    return `"${host}" is a name of a private network; the operator can allow private networks with HOOKGRAPH_ALLOWED_NETWORKS`;
  return null;
}

/** Whether a connection to this port of one of these addresses would reach an endpoint of Hookgraph itself, such as its database. */
async function isOwnEndpoint(endpoints: Endpoint[], resolve: Reach['resolve'], port: number, addresses: LookupAddress[]): Promise<boolean> {
  for (const own of endpoints) {
    if (own.port !== port || own.byName) continue;
    // An endpoint whose name doesn't resolve now is skipped; Hookgraph itself can't reach it either.
    const name = bare(own.host);
    const theirs = isLocal(name) ? ownAddresses(name) : await resolve(name).catch(() => []);
    if (addresses.some(({ address }) => theirs.some((one) => isSame(address, one.address)))) return true;
  }
  return false;
}

/**
 * Checks the text of a URL, without looking up its host name. `allowsHttp`: whether the operator has allowed any networks, because only
 * these accept http.
 */
function checkUrl(url: string, field: string, allowsHttp: boolean): { problem: Problem } | { target: Target } {
  const wrong = (message: string) => ({ problem: { field, message } });
  if (url.length > MAX_URL_LENGTH) return wrong(`has ${url.length} characters, more than ${MAX_URL_LENGTH}`);
  // URL parsers remove or replace these characters, so the parsed URL would differ from the URL that a person reads.
  if (/[\p{Cc}\s\\]/u.test(url)) return wrong('contains a space, a control character or a backslash');
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed?.hostname || isPunycodeFault(parsed.hostname) || !/^https?:\/\/[^/]/i.test(url))
    return wrong('must be an absolute https URL');
  if (parsed.username || parsed.password || /^[a-z]+:\/\/[^/?#]*@/i.test(url))
    return wrong('must not contain a user name or password; send them in a header');
  const secure = parsed.protocol === 'https:';
  if (!secure && !allowsHttp) return wrong(`must be https: ${HTTP}`);
  return { target: { host: bare(parsed.hostname), port: Number(parsed.port || (secure ? 443 : 80)), secure } };
}

/** Whether a label of the name has the Punycode prefix, but isn't Punycode. Node 20 refuses such a URL; Node 26 parses it. */
const isPunycodeFault = (hostname: string): boolean => /(^|\.)xn--/.test(hostname) && /(^|\.)xn--/.test(domainToUnicode(hostname));

const HTTP = 'http is accepted only for hosts in the networks that the operator allows with HOOKGRAPH_ALLOWED_NETWORKS';

// Every endpoint of Hookgraph gets the same message, so that it doesn't reveal whether the database or another endpoint has this address.
const reservedMessage = (host: string, port: number) => `"${host}", port ${port}, belongs to Hookgraph itself`;

/** Returns the host of a URL in lower case, without IPv6 brackets and trailing dots. */
export function bare(host: string): string {
  return host
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.+$/, '')
    .toLowerCase();
}

// A host with a colon or a zone is treated as an address; isBlocked then says what is wrong with it.
const isAddress = (host: string) => isIP(host) !== 0 || host.includes(':');

/**
 * Whether the host is a valid DNS name. A host that ends in a number is not: URL parsers read it as an IPv4 address.
 * https://url.spec.whatwg.org/#ends-in-a-number-checker
 */
function isHostName(host: string): boolean {
  if (/(^|\.)(\d+|0x[0-9a-f]*)$/i.test(host)) return false;
  return host.length <= 253 && host.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

function isLocal(host: string): boolean {
  return LOCAL_NAMES.has(host) || host.endsWith('.localhost');
}

/**
 * Returns the loopback addresses of a name such as `localhost`, which must not be looked up in DNS:
 * https://www.rfc-editor.org/rfc/rfc6761#section-6.3
 */
function ownAddresses(host: string): LookupAddress[] {
  const [v4, v6] = [
    { address: '127.0.0.1', family: 4 },
    { address: '::1', family: 6 },
  ];
  return host.startsWith('ip6-') ? [v6] : [v4, v6];
}

/** Whether two addresses are equal, or both belong to this machine: a server may listen on all addresses of its machine. */
function isSame(one: string, other: string): boolean {
  return canonical(one) === canonical(other) || (isThisMachine(one) && isThisMachine(other));
}

function isThisMachine(address: string): boolean {
  const own = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return isLoopback(address) || own.some((one) => canonical(one.address) === canonical(address));
}
