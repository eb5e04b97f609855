// Finds the network that a request comes from. Unknown tokens are counted per network.
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/**
 * Trusts X-Forwarded-For only from the networks (CIDR) in `trustedProxies`. Returns an IPv4 address, or the /64 network of
 * an IPv6 address, because a client usually has a whole /64; '' when the address is unknown.
 */
export function createNetworkOf(trustedProxies: string[]): (request: IncomingMessage) => string {
  const isTrusted = proxyAddr.compile(trustedProxies);
  return (request) => {
    const client = proxyAddr(request, isTrusted);
    const address = ipaddr.isValid(client ?? '') ? client : (request.socket.remoteAddress ?? '');
    if (!ipaddr.isValid(address)) return '';
    const parsed = ipaddr.process(address);
    return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
  };
}
