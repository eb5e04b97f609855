// A request in, the network that it came from out: what failed authentications are counted by.
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyAddr from 'proxy-addr';

/** `trustedProxies`: CIDRs; what others say in X-Forwarded-For is not believed. An IPv6 client has a /64 to itself. */
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
