// Finds the network that a request comes from, by which failed authentications are counted.
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/**
 * `trustedProxies`: CIDRs of proxies whose X-Forwarded-For is trusted. An IPv6 address counts as its /64, because a
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
