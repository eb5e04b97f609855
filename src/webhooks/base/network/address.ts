// Decides whether a delivery may connect to an IP address, given the networks that the operator allows. All functions are pure.
import ipaddr, { type IPv4, type IPv6 } from 'ipaddr.js';
import { WebhooksError } from '../errors.js';

export type Cidr = [IPv4 | IPv6, number];

/** Metadata services, which return a machine's credentials or settings. They stay blocked even in an allowed network. */
const METADATA = new Set([
  '169.254.169.254', // most clouds
  '169.254.170.2', // containers on AWS: this address and the next
  '169.254.170.23',
  '169.254.0.23', // Tencent
  '100.100.100.200', // Alibaba
  '168.63.129.16', // Azure: https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
  '192.0.0.192', // Oracle
  'fd00:ec2::254', // AWS: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
  'fd00:ec2::23',
  'fd20:ce::254', // Google
  'fe80::a9fe:a9fe', // OpenStack
]);
const GLOBAL_IPV6 = ipaddr.IPv6.parseCIDR('2000::/3');

/** Parses CIDRs and addresses. @throws WebhooksError NETWORKS_INVALID for a text that is neither */
function parseNetworks(networks: readonly string[]): readonly Cidr[] {
  const known = parsedNetworks.get(networks);
  if (known) return known;
  const parsed = networks.map(parseNetwork);
  parsedNetworks.set(networks, parsed);
  return parsed;
}

// Caches the parsed networks by the array in the settings, which is the same object for every connection.
const parsedNetworks = new WeakMap<readonly string[], readonly Cidr[]>();

function parseNetwork(network: string): Cidr {
  try {
    if (network.includes('/')) return ipaddr.parseCIDR(network.trim());
    const address = ipaddr.parse(network.trim());
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch (cause) {
    throw new WebhooksError('NETWORKS_INVALID', `"${network}" is not a network.`, 'Write CIDRs such as 10.0.0.0/8 or ::1/128.', { cause });
  }
}

/**
 * Returns why a delivery must not connect to an address; `null` when it may. Accepts an address as a resolver or WHATWG URL writes it.
 * Only global unicast addresses and `allowedNetworks` may be reached. An IPv6 address that embeds an IPv4 address is checked as that IPv4
 * address, because routers send it there.
 */
export function isBlocked(address: string, allowedNetworks: readonly string[]): string | null {
  const allowed = parseNetworks(allowedNetworks);
  if (address.includes('%')) return `${address} has an IPv6 zone`;
  const parsed = parseAddress(address);
  if (!parsed) return `${address} is not an IP address`;
  const routed = asRouted(parsed);
  if (METADATA.has(routed.toString())) return `${address} is a cloud metadata address`;
  if (isWithin(parsed, allowed) || isWithin(routed, allowed)) return null;
  const reason = reasonOf(routed);
  return reason === null ? null : `${address} is ${reason}`;
}

/** Whether the address lies in one of the allowed networks; only these accept `http:`. */
export function isAllowed(address: string, allowedNetworks: readonly string[]): boolean {
  const allowed = parseNetworks(allowedNetworks);
  const parsed = parseAddress(address);
  return parsed !== null && (isWithin(parsed, allowed) || isWithin(asRouted(parsed), allowed));
}

/** The canonical text of an address, e.g. `127.0.0.1` for `::ffff:7f00:1`; `null` when the text is not an address. */
export function canonical(address: string): string | null {
  const parsed = parseAddress(address);
  return parsed && asRouted(parsed).toString();
}

/** Whether the address means this machine: loopback or unspecified (0.0.0.0, ::). */
export function isLoopback(address: string): boolean {
  const parsed = parseAddress(address);
  return parsed !== null && ['loopback', 'unspecified'].includes(asRouted(parsed).range());
}

function parseAddress(address: string): IPv4 | IPv6 | null {
  // Only four-part decimal IPv4 is accepted, since parsers disagree on short and octal forms. WHATWG URL has already normalized them.
  if (ipaddr.IPv4.isValidFourPartDecimal(address)) return ipaddr.IPv4.parse(address);
  if (!address.includes(':') || !ipaddr.IPv6.isValid(address)) return null;
  // ipaddr.js reads ::8.8.8.8 as ::ffff:8.8.8.8; URL parses it correctly.
  const written = `http://[${address}]/`;
  return ipaddr.IPv6.parse(address.includes('.') && URL.canParse(written) ? new URL(written).hostname.slice(1, -1) : address);
}

function isWithin(address: IPv4 | IPv6, networks: readonly Cidr[]): boolean {
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match([network, bits] as never));
}

/** Returns the IPv4 address that is embedded in an IPv6 address, because routers send to it; otherwise the address itself. */
function asRouted(address: IPv4 | IPv6): IPv4 | IPv6 {
  return address.kind() === 'ipv6' ? (embedded(address as IPv6) ?? address) : address;
}

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
  if (address.kind() === 'ipv4') return null;
  if (!address.match(GLOBAL_IPV6 as never)) return 'not public';
  // ISATAP: an IPv4 address in the interface part, whatever the prefix. https://www.rfc-editor.org/rfc/rfc5214#section-6.1
  const [e, f] = (address as IPv6).parts.slice(4) as [number, number];
  return (e === 0 || e === 0x200) && f === 0x5efe ? 'not public (isatap)' : null;
}
