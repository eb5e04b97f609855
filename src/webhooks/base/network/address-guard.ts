// Creates the guard, which checks the address of every connection made for a subscription and opens the connection.

import type { LookupAddress } from 'node:dns';
import { type ClientRequest, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';
import { buildConnector, errors } from 'undici';
import { allSlots } from '../../../runtime/slot-share.js';
import { deadlinesOf } from '../deadlines.js';
import type { Settings } from '../engine.js';
import { bare, createReach, type Reach, type ReachSettings, type Target } from './address-policy.js';
import { ByteWatch, tooManyBytes } from './byte-watch.js';
import { createTunnels } from './egress-proxy.js';
import { NetworkEvidence, type Step, suspicionOf } from './evidence.js';
import { AddressRefused, brokeOnReuse, type Guard, noteFailure, permissions, unlessWithdrawn } from './guard.js';
import { raceAddresses } from './race-addresses.js';

/** Minimum milliseconds between two lookups that test whether the DNS resolver works. */
const CONTROL_MS = 2_000;

type Opening = Target & { allowH2?: boolean };

/**
 * Creates the guard of an engine. For each connection it resolves the name, checks each address, and connects to those addresses only, so
 * that a changed DNS answer (DNS rebinding) has no effect. It always verifies certificates against the requested name.
 */
export function createGuard(settings: ReachSettings & Pick<Settings, 'caCertificates' | 'egressProxy' | 'limits'>): Guard {
  const { connectMs, perOrigin } = deadlinesOf(settings.limits);
  const reach = createReach(settings);
  const secureContext = trusting(settings.caCertificates ?? []);
  const tunnels = settings.egressProxy ? createTunnels(settings.egressProxy, secureContext) : null;
  const tls = { secureContext, rejectUnauthorized: true, timeout: connectMs };
  const secure = { http1: buildConnector(tls), h2: buildConnector({ ...tls, allowH2: true }) };
  const evidence = new NetworkEvidence();
  const tryResolver = createResolverTrial(evidence, reach);

  async function open({ host, port, secure: isSecure, allowH2 }: Opening): Promise<Socket> {
    const deadline = new AbortController();
    const late = new errors.ConnectTimeoutError(`No connection within ${connectMs / 1000} seconds`);
    const timer = setTimeout(() => deadline.abort(late), connectMs);
    let step: Step | null = 'NAME';
    try {
      const addresses = await unlessAborted(deadline.signal, reach.addressesOf({ host, port, secure: isSecure }));
      step = 'CONNECT';
      const [{ address }] = addresses as [LookupAddress];
      evidence.worked('NAME', host);
      evidence.noteNetwork(host, address);
      const socket = await (tunnels ? tunnels.open(addresses, port, deadline.signal) : raceAddresses(addresses, port, deadline.signal));
      evidence.worked('CONNECT', host);
      // The receiver accepted a TCP connection, so later failures are the receiver's.
      step = null;
      return isSecure ? await startTls(allowH2 ? secure.h2 : secure.http1, { host, port, socket }, deadline.signal) : socket;
    } catch (thrown) {
      const error = (thrown as Error).name === 'AbortError' ? late : thrown;
      if (step !== null) noteFailure(error, step, host);
      if (step === 'NAME' && suspicionOf(error, step).suspicion === 'LIKELY') tryResolver(host);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  const pooled = { keepAlive: true, maxSockets: allSlots(perOrigin) };
  const agents = {
    http: connectingBy(new HttpAgent(pooled), (target) => open({ ...target, secure: false })),
    https: connectingBy(new HttpsAgent(pooled), (target) => open({ ...target, secure: true })),
  };
  return {
    vetUrl: reach.vetUrl,
    evidence,
    forbid: reach.forbid,
    connect(options, callback) {
      open(openingOf(options)).then(
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

/**
 * Returns a function that tests the DNS resolver after the lookup of `host` failed: it looks up a name that resolved before. A success
 * shows that the resolver works, so that one subscriber's failing name servers don't count as an outage of this installation.
 */
function createResolverTrial(evidence: NetworkEvidence, { resolve }: Pick<Reach, 'resolve'>): (host: string) => void {
  let triedAtMs = Number.NEGATIVE_INFINITY;
  return (host) => {
    const control = evidence.controlName(host);
    if (control === null || performance.now() - triedAtMs < CONTROL_MS) return;
    triedAtMs = performance.now();
    resolve(control).then(
      () => evidence.worked('NAME', control),
      () => {},
    );
  };
}

function openingOf({ hostname, port, protocol, ...options }: buildConnector.Options): Opening {
  const secure = protocol === 'https:';
  const { allowH2 } = options as { allowH2?: boolean };
  return { host: bare(hostname), port: Number(port || (secure ? 443 : 80)), secure, allowH2 };
}

/**
 * Makes an agent of node:http or node:https open its connections with `open`, which checks the addresses. Limits the bytes that are read
 * for each exchange.
 */
function connectingBy<A extends HttpAgent>(agent: A, open: (target: Pick<Target, 'host' | 'port'>) => Promise<Socket>): A {
  const createConnection: CreateConnection = ({ host, port, socketPath, headers }, done) => {
    if (socketPath || !host) return done(new AddressRefused('the target is neither a host name nor an IP address'));
    const maySend = headers && permissions.get(headers);
    open({ host: bare(host), port: Number(port) })
      .then((socket) => (maySend ? unlessWithdrawn(socket, maySend) : socket))
      .then((socket) => {
        const bytes = new ByteWatch(socket, () => socket.destroy(tooManyBytes()));
        bytes.begin();
        watches.set(socket, bytes);
        socket.once('close', () => bytes.close());
        done(null, socket);
      }, done);
  };
  const watches = new WeakMap<Socket, ByteWatch>();
  const { keepSocketAlive, reuseSocket } = agent as A & KeepingAgent;
  return Object.assign(agent, {
    createConnection,
    keepSocketAlive(socket: Socket) {
      watches.get(socket)?.end();
      return keepSocketAlive.call(agent, socket);
    },
    reuseSocket(socket: Socket, request: ClientRequest) {
      watches.get(socket)?.begin();
      const { remoteAddress, remotePort } = socket;
      request.once('error', (error) => {
        brokeOnReuse.add(error);
        // The other idle connections to the receiver are probably broken, too, so a retry must not use them.
        for (const idle of Object.values(agent.freeSockets).flat())
          if (idle?.remoteAddress === remoteAddress && idle?.remotePort === remotePort) idle?.destroy();
      });
      reuseSocket.call(agent, socket, request);
    },
  });
}

/** The methods that an agent calls when a connection becomes idle and when it is used again: https://nodejs.org/api/http.html */
interface KeepingAgent {
  keepSocketAlive(socket: Socket): boolean;
  reuseSocket(socket: Socket, request: ClientRequest): void;
}

type CreateConnection = (
  options: { host?: string; port?: number | string; socketPath?: string; headers?: object },
  done: (error: Error | null, socket?: Socket) => void,
) => void;

/** Makes the TLS context that all connections share, because parsing every root certificate again takes milliseconds. */
function trusting(caCertificates: string[]): SecureContext {
  return createSecureContext(caCertificates.length === 0 ? {} : { ca: [...rootCertificates, ...caCertificates] });
}

function startTls(
  connector: buildConnector.connector,
  { host, port, socket }: Pick<Target, 'host' | 'port'> & { socket: Socket },
  signal: AbortSignal,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      // Rejects before it destroys the socket, because destroying it ends the handshake with a less precise error.
      reject(signal.reason);
      socket.destroy();
    };
    signal.addEventListener('abort', abort, { once: true });
    connector({ hostname: host, host, protocol: 'https:', port: String(port), httpSocket: socket }, (error, secured) => {
      signal.removeEventListener('abort', abort);
      if (secured) {
        // A TLS alert after the handshake, such as the one that demands a client certificate, is an error that leaves the socket open. Its
        // HTTP/2 session would never close, and undici would report the end of the socket instead of the alert.
        secured.once('error', () => secured.destroy());
        return resolve(secured);
      }
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
