// Finds the network that a request comes from; token-guesses.ts counts the unknown tokens of each network.
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/** Removes the client's port, which some proxies, such as those of Azure, append to the address. */
const withoutPort = (address: string | undefined): string =>
  (address ?? '').replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1').replace(/^\[([^\]]*)\](:\d+)?$/, '$1');

/**
 * Returns a function that finds a request's network: its IPv4 address, or the /64 network of its IPv6 address, because a
 * client usually has a whole /64; '' when the address is unknown.
 * @param trustedProxies networks (CIDR) of proxies whose X-Forwarded-For header is trusted
 */
export function createNetworkOf(trustedProxies: string[]): (request: IncomingMessage) => string {
  const isTrusted = proxyAddr.compile(trustedProxies);
  return (request) => {
    const client = withoutPort(proxyAddr(request, isTrusted));
    const address = ipaddr.isValid(client) ? client : (request.socket.remoteAddress ?? '');
    if (!ipaddr.isValid(address)) return '';
    const parsed = ipaddr.process(address);
    return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
  };
}
