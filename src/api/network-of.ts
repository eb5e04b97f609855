// Finds the network that a request comes from. Failed authentications are counted per network.
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/**
 * Trusts X-Forwarded-For only from the CIDRs in `trustedProxies`. An IPv6 address counts as its /64 network, because a
 * client usually has a whole /64.
 */
export function createNetworkOf(trustedProxies: string[]): (request: IncomingMessage) => string {
  const isTrusted = proxyAddr.compile(trustedProxies);
  return (request) => {
    const told = proxyAddr(request, isTrusted);
    const address = ipaddr.isValid(told ?? '') ? told : (request.socket.remoteAddress ?? '');
    if (!ipaddr.isValid(address)) return '';
    const parsed = ipaddr.process(address);
    return parsed instanceof ipaddr.IPv6 ? parsed.parts.slice(0, 4).join(':') : parsed.toString();
  };
}
