// The engine's settings -> the guard of every connection that a subscription causes.

import type { LookupAddress } from 'node:dns';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect as connectTcp, type Socket } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { buildConnector, errors } from 'undici';
import type { Settings } from '../engine.js';
import { bare, createReach, type ReachSettings, type Target } from './address-policy.js';
import { createTunnels } from './egress-proxy.js';
import { AddressRefused, type Guard } from './guard.js';

/** Name, connection, tunnel and TLS; a little less than an exchange, which ends later and then is the receiver's. */
const CONNECT_MS = 4_500;

type Opening = Target & { allowH2?: boolean };

/**
 * A name is resolved here, each of its addresses is vetted, and the socket connects to those and no others: a name that answers
 * differently a moment later changes nothing. A certificate is always verified, for the name that was asked for.
 */
export function createGuard(settings: ReachSettings & Pick<Settings, 'caCertificates' | 'egressProxy'>): Guard {
  const reach = createReach(settings);
  const secureContext = trusting(settings.caCertificates ?? []);
  const tunnels = settings.egressProxy ? createTunnels(settings.egressProxy, secureContext) : null;
  const tls = { secureContext, rejectUnauthorized: true, timeout: CONNECT_MS };
  const secure = { http1: buildConnector(tls), h2: buildConnector({ ...tls, allowH2: true }) };

  async function open({ host, port, secure: isSecure, allowH2 }: Opening): Promise<Socket> {
    const deadline = new AbortController();
    const late = new errors.ConnectTimeoutError(`No connection within ${CONNECT_MS / 1000} seconds`);
    const timer = setTimeout(() => deadline.abort(late), CONNECT_MS);
    try {
      const addresses = await unlessAborted(deadline.signal, reach.addressesOf({ host, port, secure: isSecure }));
      const socket = await (tunnels
        ? tunnels.open(addresses, port, deadline.signal)
        : unlessAborted(deadline.signal, openTcp(host, addresses, port, deadline.signal)));
      return isSecure ? await startTls(allowH2 ? secure.h2 : secure.http1, host, port, socket) : socket;
    } catch (error) {
      throw (error as Error).name === 'AbortError' ? late : error;
    } finally {
      clearTimeout(timer);
    }
  }

  const agents = { http: new HttpAgent(AGENT), https: new HttpsAgent(AGENT) };
  for (const [scheme, agent] of Object.entries(agents)) {
    const createConnection: CreateConnection = ({ host, port, socketPath }, done) => {
      if (socketPath || !host) return done(new AddressRefused('only names and addresses can be connected to'));
      open({ host: bare(host), port: Number(port), secure: scheme === 'https' }).then((socket) => done(null, socket), done);
    };
    Object.assign(agent, { createConnection });
  }
  return {
    vetUrl: reach.vetUrl,
    forbid: reach.forbid,
    connect({ hostname, port, protocol, ...options }, callback) {
      const isSecure = protocol === 'https:';
      const { allowH2 } = options as { allowH2?: boolean };
      const target = { host: bare(hostname), port: Number(port || (isSecure ? 443 : 80)), secure: isSecure, allowH2 };
      open(target).then(
        (socket) => callback(null, socket),
        (error) => callback(error, null),
      );
    },
    httpAgent: agents.http,
    httpsAgent: agents.https,
    close() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

const AGENT = { keepAlive: true, maxSockets: 200 };

type CreateConnection = (
  options: { host?: string; port?: number | string; socketPath?: string },
  done: (error: Error | null, socket?: Socket) => void,
) => void;

/** One for all connections: to read every authority's certificate again for each of them takes milliseconds. */
function trusting(caCertificates: string[]): SecureContext {
  return createSecureContext(caCertificates.length === 0 ? {} : { ca: [...rootCertificates, ...caCertificates] });
}

function openTcp(host: string, addresses: LookupAddress[], port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({
      host,
      port,
      signal,
      // Of an address, Node asks no lookup; a name has been looked up.
      lookup: (_host, { all }, callback) => {
        const [first] = addresses as [LookupAddress];
        if (all) callback(null, addresses);
        else callback(null, first.address, first.family);
      },
      autoSelectFamily: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    });
    // It stays: an error between two owners of the socket would end the process.
    socket.on('error', reject).once('connect', () => resolve(socket));
  });
}

function startTls(connector: buildConnector.connector, host: string, port: number, socket: Socket): Promise<Socket> {
  return new Promise((resolve, reject) => {
    connector({ hostname: host, host, protocol: 'https:', port: String(port), httpSocket: socket }, (error, secured) => {
      if (secured) return resolve(secured);
      socket.destroy();
      reject(error);
    });
  });
}

function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    work.then(resolve, reject);
  });
}
