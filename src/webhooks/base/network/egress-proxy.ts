// Opens CONNECT tunnels through the egress proxy to checked addresses. Distinguishes failures of the proxy from failures of the receiver.
import type { LookupAddress } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, isIPv6, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import { EgressFailed } from './guard.js';

export interface Tunnels {
  /**
   * Opens a tunnel to the first address that the proxy reaches. CONNECT requests contain addresses, so that the proxy resolves no name.
   * @throws EgressFailed when the proxy failed, TargetUnreachable when it works but can't reach the receiver
   */
  open(addresses: LookupAddress[], port: number, signal: AbortSignal): Promise<Socket>;
}

/** The error of a tunnel when the proxy works, but can't reach the receiver. */
class TargetUnreachable extends Error {}

class Hang extends Error {}

/** Milliseconds after which a proxy that hasn't replied counts as hanging. */
const TUNNEL_MS = 3_000;

/**
 * Patterns of a proxy's errors about the destination, in the header Proxy-Status (https://www.rfc-editor.org/rfc/rfc9209#section-2.3) and
 * in Squid's X-Squid-Error. A 502, 503 or 504 without such an error is ambiguous; it counts as the proxy's failure, so that no receiver is
 * blamed.
 */
const OF_TARGET =
  /(?:^|;)\s*error\s*=\s*"?(?:destination_(?!ip_prohibited)\w+|connection_(?:refused|terminated|timeout|read_timeout|write_timeout))/i;
const SQUID_OF_TARGET = /^ERR_(?:CONNECT_FAIL|READ_TIMEOUT|READ_ERROR|ZERO_SIZE_OBJECT)\b/;

export function createTunnels(proxyUrl: string, secureContext: SecureContext, tunnelMs = TUNNEL_MS): Tunnels {
  const { name, request: requestOf } = readProxy(proxyUrl, secureContext);
  let openedAtMs = Number.NEGATIVE_INFINITY;

  function openTunnel(authority: string, signal: AbortSignal): Promise<Socket> {
    const requestedAtMs = performance.now();
    return new Promise((resolve, reject) => {
      const request = requestOf(authority, signal);
      const hangs = setTimeout(() => request.destroy(new Hang()), tunnelMs);
      request.once('connect', (response, socket, head) => {
        clearTimeout(hangs);
        socket.on('error', () => {});
        if (response.statusCode === 200) {
          openedAtMs = performance.now();
          if (head.length > 0) socket.unshift(head);
          return resolve(socket as Socket);
        }
        socket.destroy();
        reject(refusedBy(name, response));
      });
      request.on('error', (cause: Error & { code?: string }) => {
        clearTimeout(hangs);
        if (!(cause instanceof Hang || signal.aborted))
          return reject(new EgressFailed(`connecting to ${name} failed: ${cause.code ?? cause.message}`, { cause }));
        // The proxy opened another tunnel in the meantime, so it works and this receiver is slow.
        if (openedAtMs > requestedAtMs) return reject(new TargetUnreachable('the egress proxy timed out while connecting to the receiver'));
        reject(new EgressFailed(`${name} did not answer in time`));
      });
      request.end();
    });
  }

  return {
    async open(addresses, port, signal) {
      let failure: unknown;
      // IPv4 first, because many proxies have no IPv6.
      for (const { address } of [...addresses].sort((a, b) => a.family - b.family)) {
        try {
          return await openTunnel(`${isIPv6(address) ? `[${address}]` : address}:${port}`, signal);
        } catch (error) {
          failure = error;
          if (!(error instanceof TargetUnreachable) || signal.aborted) break;
        }
      }
      throw failure;
    },
  };
}

interface Proxy {
  /** The proxy's name in error messages, e.g. `the egress proxy proxy.example:3128`. */
  name: string;
  /** Creates a CONNECT request to `authority`, a host and a port. */
  request(authority: string, signal: AbortSignal): ClientRequest;
}

function readProxy(proxyUrl: string, secureContext: SecureContext): Proxy {
  const proxy = new URL(proxyUrl);
  const secure = proxy.protocol === 'https:';
  const host = proxy.hostname.replace(/^\[|\]$/g, '');
  const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const authorization = credentials === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(credentials).toString('base64')}` };
  return {
    name: `the egress proxy ${proxy.host}`,
    request: (authority, signal) =>
      (secure ? requestHttps : requestHttp)({
        method: 'CONNECT',
        host,
        port: proxy.port || (secure ? 443 : 80),
        path: authority,
        headers: { host: authority, ...authorization },
        agent: false,
        signal,
        // TLS verifies the proxy's own name. By default, Node would take the Host header, which holds the receiver's address.
        ...(secure && { secureContext, rejectUnauthorized: true, servername: isIP(host) === 0 ? host : '' }),
      }),
  };
}

/**
 * Returns the error for a tunnel that the proxy refused: TargetUnreachable when its response says that the receiver failed, otherwise
 * EgressFailed. `name`: the proxy's name in messages.
 */
function refusedBy(name: string, { statusCode, headers }: IncomingMessage): Error {
  const status = [headers['proxy-status'] ?? ''].flat().join(', ');
  const ofTarget =
    status.split(',').some((hop) => OF_TARGET.test(hop)) || SQUID_OF_TARGET.test([headers['x-squid-error'] ?? ''].flat().join());
  if (ofTarget) return new TargetUnreachable('the egress proxy could not reach the receiver');
  return new EgressFailed(`${name} answered CONNECT with status ${statusCode}`);
}
