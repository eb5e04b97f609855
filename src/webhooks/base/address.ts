// An address or a URL + the allowed networks -> why a delivery must not go there, or null. Resolves names in vetUrl alone.
import { lookup } from 'node:dns/promises';
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';
import { type Problem, WebhooksError } from './errors.js';

export type Cidr = [IPv4 | IPv6, number];

export const MAX_URL_LENGTH = 2_048;
const LOOKUP_DEADLINE_MS = 3_000;
const LOCAL_NAMES = ['localhost', 'localhost.localdomain', 'ip6-localhost', 'ip6-loopback'];
// Public by its number, but answers with the machine's credentials: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
const METADATA: Record<string, string> = { '168.63.129.16': 'a cloud metadata address' };
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Throws WebhooksError NETWORKS_INVALID for what is no CIDR or address. */
function parseNetworks(networks: readonly string[]): readonly Cidr[] {
  const known = parsedNetworks.get(networks);
  if (known) return known;
  const parsed = networks.map(parseNetwork);
  parsedNetworks.set(networks, parsed);
  return parsed;
}

// By the settings' own list, which every connection passes again.
const parsedNetworks = new WeakMap<readonly string[], readonly Cidr[]>();

function parseNetwork(network: string): Cidr {
  try {
    if (network.includes('/')) return ipaddr.parseCIDR(network.trim());
    const address = ipaddr.parse(network.trim());
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (cause) {
    throw new WebhooksError('NETWORKS_INVALID', `"${network}" is no network.`, 'Write CIDRs such as 10.0.0.0/8 or ::1/128.', { cause });
  }
}

/**
 * Why a delivery must not connect to this address (as a resolver answers it, or as WHATWG URL writes it): everything but global
 * unicast, unless allowed. Addresses that carry an IPv4 address are judged by that one, as the network would route them.
 */
export function isBlocked(address: string, allowedNetworks: readonly string[]): string | null {
  const allowed = parseNetworks(allowedNetworks);
  if (address.includes('%')) return `${address} has a zone`;
  const parsed = parseAddress(address);
  if (!parsed) return `${address} is no address`;
  if (isWithin(parsed, allowed)) return null;
  const inner = parsed.kind() === 'ipv6' ? embedded(parsed as IPv6) : null;
  if (inner && isWithin(inner, allowed)) return null;
  const reason = reasonOf(inner ?? parsed);
  return reason === null ? null : `${address} is ${reason}`;
}

/** Whether this address lies in a network that is allowed by name; `http:` goes only there. */
export function isAllowed(address: string, allowedNetworks: readonly string[]): boolean {
  const allowed = parseNetworks(allowedNetworks);
  const parsed = parseAddress(address);
  if (!parsed) return false;
  const inner = parsed.kind() === 'ipv6' ? embedded(parsed as IPv6) : null;
  return isWithin(parsed, allowed) || (inner !== null && isWithin(inner, allowed));
}

/** What can be said of a callback URL without asking a resolver. */
export function checkUrl(url: string, allowedNetworks: readonly string[]): Problem | null {
  const problem = (message: string): Problem => ({ field: 'callbackUrl', message });
  if (url.length > MAX_URL_LENGTH) return problem(`has ${url.length} characters, more than ${MAX_URL_LENGTH}`);
  // A parser that strips these reads another URL than a person does.
  if (/[\p{Cc}\s\\]/u.test(url)) return problem('holds a space, a control character or a backslash');
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (!parsed?.hostname || !/^https?:\/\/[^/]/i.test(url)) return problem('must be an absolute https URL');
  if (parsed.username || parsed.password || /^[a-z]+:\/\/[^/?#]*@/i.test(url))
    return problem('must not hold a user name or password; use a header');
  if (parsed.port === '0') return problem('has port 0');
  const { host, literal } = hostOf(parsed);
  if (!literal && !isHostName(host)) return problem(`has the host "${host}", which is no host name`);
  if (parsed.protocol === 'http:' && allowedNetworks.length === 0)
    return problem('must be https: http is accepted in allowed networks only');
  if (literal) return addressProblem(parsed, [host], allowedNetworks);
  // Every resolver answers loopback: one of its two addresses must be allowed.
  if (isLocal(host)) return addressProblem(parsed, [isAllowed('::1', allowedNetworks) ? '::1' : '127.0.0.1'], allowedNetworks);
  return null;
}

/** checkUrl, and the addresses that its name has now. A name that doesn't resolve yet is a warning for https. */
export async function vetUrl(url: string, allowedNetworks: readonly string[]): Promise<Problem | null> {
  const problem = checkUrl(url, allowedNetworks);
  if (problem) return problem;
  const parsed = new URL(url);
  const { host, literal } = hostOf(parsed);
  if (literal || isLocal(host)) return null;
  const addresses = await resolve(host);
  if (addresses.length > 0) return addressProblem(parsed, addresses, allowedNetworks);
  const message = `has the host "${host}", which doesn't resolve`;
  return { field: 'callbackUrl', message, ...(parsed.protocol === 'https:' && { severity: 'warning' as const }) };
}

async function resolve(host: string): Promise<string[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never[]>((done) => {
    timer = setTimeout(() => done([]), LOOKUP_DEADLINE_MS);
  });
  const found = lookup(host, { all: true }).then(
    (answers) => answers.map((answer) => answer.address),
    () => [],
  );
  return Promise.race([found, late]).finally(() => clearTimeout(timer));
}

function addressProblem(url: URL, addresses: string[], allowed: readonly string[]): Problem | null {
  for (const address of addresses) {
    const reason = isBlocked(address, allowed);
    if (reason) return { field: 'callbackUrl', message: `leads to an address that deliveries may not reach: ${reason}` };
    if (url.protocol === 'http:' && !isAllowed(address, allowed))
      return { field: 'callbackUrl', message: 'must be https: http is accepted in allowed networks only' };
  }
  return null;
}

function hostOf(url: URL): { host: string; literal: boolean } {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.+$/, '');
  return { host, literal: parseAddress(host) !== null || url.hostname.startsWith('[') };
}

function isHostName(host: string): boolean {
  return host.length <= 253 && host.split('.').every((label) => /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i.test(label));
}

function isLocal(host: string): boolean {
  return LOCAL_NAMES.includes(host) || host.endsWith('.localhost');
}

function parseAddress(address: string): IPv4 | IPv6 | null {
  // Short and octal forms mean different addresses to different parsers; URL has written them out before.
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address);
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return null;
  // ipaddr.js takes ::8.8.8.8 for ::ffff:8.8.8.8; URL writes out what it is.
  const written = `http://[${address}]/`;
  return ipaddr.IPv6.parse(address.includes('.') && URL.canParse(written) ? new URL(written).hostname.slice(1, -1) : address);
}

function isWithin(address: IPv4 | IPv6, networks: readonly Cidr[]): boolean {
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match([network, bits] as never));
}

/** The IPv4 address that routers take out of this one, or null. */
function embedded(address: IPv6): IPv4 | null {
  const [a, b, c, d, e, f] = address.parts as [number, number, number, number, number, number];
  const last = new ipaddr.IPv4(address.toByteArray().slice(12));
  const zeroTo = (parts: number[]) => parts.every((part) => part === 0);
  if (zeroTo([a, b, c, d, e]) && f === 0xffff) return last;
  if (a === 0x64 && b === 0xff9b && zeroTo([c, d, e, f])) return last;
  if (a === 0x2002) return new ipaddr.IPv4(address.toByteArray().slice(2, 6));
  return null;
}

function reasonOf(address: IPv4 | IPv6): string | null {
  const range = address.range();
  if (range !== 'unicast') return `not public (${range})`;
  if (address.kind() === 'ipv4') return METADATA[address.toString()] ?? null;
  if (!address.match(GLOBAL_IPV6 as never)) return 'not public';
  // ISATAP: an IPv4 address in the interface part, whatever the prefix. https://www.rfc-editor.org/rfc/rfc5214#section-6.1
  const [e, f] = (address as IPv6).parts.slice(4) as [number, number];
  return (e === 0 || e === 0x200) && f === 0x5efe ? 'not public (isatap)' : null;
}
