// Decides whether a failed connection is the receiver's fault or this installation's, by comparing it with other recent connections.
import { isIP } from 'node:net';
import { isBlocked } from './address.js';

/** `NAME`: the DNS lookup. `CONNECT`: the connection after it, up to the first byte of the response. */
export type Step = 'NAME' | 'CONNECT';

/**
 * How strongly a single error suggests that this installation's network failed. `LOCAL`: only this machine can cause the error.
 * `LIKELY`: the network failed, unless enough other receivers can be reached.
 * `POSSIBLE`: the receiver failed, unless several unrelated receivers fail at once and none can be reached.
 */
export type Suspicion = 'LOCAL' | 'LIKELY' | 'POSSIBLE';

export interface NetworkFailure {
  step: Step;
  suspicion: Suspicion;
  /** The host of the receiver, or of its token endpoint. */
  host: string;
  /** The error code, for the operator's log. */
  code: string;
}

/**
 * Whether this installation's network (`OURS`) or the receiver (`THEIRS`) failed. `UNSURE`: call `judge` again a moment later, when
 * other connections may have failed or succeeded.
 */
export type Blame = 'OURS' | 'THEIRS' | 'UNSURE';

/** Codes of errors which mean that this machine has run out of file descriptors, buffers or memory. */
const LOCAL_CODES = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAI_MEMORY']);
/** Codes of errors of routes, interfaces, local addresses and ports, and local firewalls. A remote router can cause them, too. */
const ROUTE_CODES = new Set(['ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EACCES', 'EPERM']);
/** Codes of lookup errors which mean that the name doesn't exist. Other lookup errors may mean that the DNS resolver failed. */
const NO_SUCH_NAME = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA']);

/** Milliseconds within which failures of several receivers count as simultaneous. */
const AT_ONCE_MS = 10_000;
/** Milliseconds for which a successful connection proves that this installation's network works. */
const DISPROVES_MS = 60_000;
/**
 * Errors of the suspicion `POSSIBLE` count as a failure of this installation's network only if hosts of at least UNRELATED groups (see
 * groupOf) fail at once, in deliveries of at least ORGANIZATIONS tenants.
 */
const UNRELATED = 3;
const ORGANIZATIONS = 2;
/** Maximum number of host groups (see groupOf) whose successes and failures a board keeps; the oldest is evicted. */
const MAX_GROUPS = 2_000;
const MAX_NAMES = 50;

type Coded = Error & { code?: string; address?: string; errors?: Coded[] };

/** Classifies the error of a lookup or a connection, without looking at other connections. */
export function suspicionOf(error: unknown, step: Step): { suspicion: Suspicion; code: string } {
  const { code, name, errors } = error as Coded;
  // If several addresses were tried, the error that is least likely to be this installation's fault counts, since one reachable address is
  // enough.
  const each = (errors?.length ? errors : [error as Coded]).map((one) => ({ ...one, code: one.code ?? code ?? name }));
  const firstCode = each[0]?.code ?? name;
  if (each.every((one) => LOCAL_CODES.has(one.code))) return { suspicion: 'LOCAL', code: firstCode };
  if (step === 'NAME') return { suspicion: NO_SUCH_NAME.has(firstCode) ? 'POSSIBLE' : 'LIKELY', code: firstCode };
  const ofRoute = each.every((one) => LOCAL_CODES.has(one.code) || ROUTE_CODES.has(one.code));
  // Many networks have no IPv6, so a receiver with IPv6 addresses only is itself to blame.
  const isOnlyIPv6 = each.every(({ address = '' }) => isIP(address) === 6);
  return { suspicion: ofRoute && !isOnlyIPv6 ? 'LIKELY' : 'POSSIBLE', code: firstCode };
}

/**
 * Groups hosts that probably have one owner: the last two labels of a name (three under `co.uk` and similar), or the network of an
 * address.
 */
export function groupOf(host: string): string {
  if (isIP(host) === 4) return host.split('.').slice(0, 3).join('.');
  if (isIP(host) === 6) return host.split(':').slice(0, 3).join(':');
  const labels = host.split('.');
  const isCountry = labels.at(-1)?.length === 2 && (labels.at(-2)?.length ?? 0) <= 3;
  return labels.slice(isCountry ? -3 : -2).join('.');
}

interface Failing {
  sinceMs: number;
  lastMs: number;
  suspicion: Suspicion;
  tenants: Set<string>;
}

/** A board keeps the recent successes and failures of one step (lookup or connection), in one kind of network (public or private). */
interface Board {
  /** Host group → time of its last success, in milliseconds. */
  worked: Map<string, number>;
  failing: Map<string, Failing>;
  /** Time of the last failure that was judged to be this installation's fault, in milliseconds. */
  oursMs: number;
}

/** Collects the successes and failures of all connections of a process. Reads no clock but the injected `now`. */
export class NetworkEvidence {
  private readonly boards = new Map<string, Board>();
  /**
   * Hosts in a private network. Their connections are judged separately, since they can work while the internet is unreachable, and vice
   * versa.
   */
  private readonly privateHosts = new Set<string>();
  /** Host names that resolved recently, newest last. Looking one of them up again tests the DNS resolver. */
  private readonly names = new Set<string>();

  constructor(private readonly now: () => number = () => performance.now()) {}

  worked(step: Step, host: string): void {
    if (step === 'NAME') {
      if (!isResolved(host)) return;
      this.names.delete(host);
      this.names.add(host);
      if (this.names.size > MAX_NAMES) this.names.delete(this.names.values().next().value as string);
    }
    const board = this.boardOf(step, host);
    const group = groupOf(host);
    board.failing.delete(group);
    put(board.worked, group, this.now());
  }

  /** Whether connections to any group of hosts have failed and have not succeeded since. */
  get isSuspicious(): boolean {
    for (const { failing } of this.boards.values()) if (failing.size > 0) return true;
    return false;
  }

  /** Remembers whether the host's address is in a private network. */
  noteNetwork(host: string, address: string): void {
    if (isBlocked(address, []) === null) this.privateHosts.delete(host);
    else if (this.privateHosts.size < MAX_GROUPS) this.privateHosts.add(host);
  }

  /** Whether the step (lookup or connection) has succeeded since this time, for any host in the same kind of network. */
  hasWorkedSince({ step, host }: Pick<NetworkFailure, 'step' | 'host'>, sinceMs: number): boolean {
    return [...this.boardOf(step, host).worked.values()].some((at) => at > sinceMs);
  }

  /** Returns a name of another group that resolved before, so that looking it up tests the resolver; `null` when none is known. */
  controlName(host: string): string | null {
    const own = groupOf(host);
    return [...this.names].reverse().find((name) => groupOf(name) !== own) ?? null;
  }

  /**
   * Records a failed lookup or connection, and decides whether the receiver or this installation is at fault. `tenant`: whose delivery
   * failed; `null` when unknown.
   */
  judge(failure: NetworkFailure, tenant: string | null): Blame {
    const board = this.boardOf(failure.step, failure.host);
    const blame = failure.suspicion === 'LOCAL' ? 'OURS' : this.weigh(board, failure, this.note(board, failure, tenant));
    if (blame === 'OURS') board.oursMs = this.now();
    return blame;
  }

  private note(board: Board, { host, suspicion }: NetworkFailure, tenant: string | null): Failing {
    const group = groupOf(host);
    const nowMs = this.now();
    const known = board.failing.get(group) ?? { sinceMs: nowMs, lastMs: nowMs, suspicion, tenants: new Set() };
    known.lastMs = nowMs;
    known.suspicion = suspicion;
    if (tenant !== null && known.tenants.size < ORGANIZATIONS) known.tenants.add(tenant);
    put(board.failing, group, known);
    return known;
  }

  private weigh(board: Board, { host, suspicion }: NetworkFailure, own: Failing): Blame {
    const nowMs = this.now();
    const others = this.disprovers(board, groupOf(host), Math.max(own.sinceMs, nowMs - DISPROVES_MS));
    // During an outage a DNS cache still answers for some names. Successes therefore prove that the network works only if they are at least
    // as many as the failures.
    if (suspicion === 'LIKELY') return others > 0 && others >= this.suspects(board, 'LIKELY').count ? 'THEIRS' : 'OURS';
    if (others > 0) return 'THEIRS';
    if (nowMs - board.oursMs < AT_ONCE_MS) return 'OURS';
    const { groups, organizations } = this.suspects(board);
    if (groups >= UNRELATED && organizations >= ORGANIZATIONS) return 'OURS';
    // UNSURE makes the caller judge again later. With fewer than UNRELATED host groups in use, that would give no further evidence.
    const lately = [...board.worked].filter(([, at]) => at > nowMs - DISPROVES_MS).map(([group]) => group);
    return new Set([...board.failing.keys(), ...lately]).size >= UNRELATED ? 'UNSURE' : 'THEIRS';
  }

  /** Counts the host groups other than `group` that have succeeded after this time, which shows that this installation's network works. */
  private disprovers({ worked }: Board, group: string, afterMs: number): number {
    let count = 0;
    for (const [other, at] of worked) if (other !== group && at > afterMs) count += 1;
    return count;
  }

  /**
   * Counts the host groups that failed within AT_ONCE_MS and their tenants; `count` is the smaller number. `only`: counts this suspicion
   * only. Without it, skips groups that failed while other groups succeeded, because their receivers are at fault.
   */
  private suspects(board: Board, only?: Suspicion): { groups: number; organizations: number; count: number } {
    const from = this.now() - AT_ONCE_MS;
    const failing = [...board.failing].filter(
      ([group, { lastMs, sinceMs, suspicion }]) =>
        lastMs >= from && (only ? suspicion === only : this.disprovers(board, group, sinceMs) === 0),
    );
    const organizations = new Set(failing.flatMap(([, { tenants }]) => [...tenants])).size;
    return { groups: failing.length, organizations, count: Math.min(failing.length, organizations) };
  }

  private boardOf(step: Step, host: string): Board {
    const key = step === 'CONNECT' && this.privateHosts.has(host) ? 'CONNECT inside' : step;
    const board = this.boards.get(key) ?? { worked: new Map(), failing: new Map(), oursMs: Number.NEGATIVE_INFINITY };
    this.boards.set(key, board);
    return board;
  }
}

/** Whether connecting to this host needs the DNS resolver. Addresses, and names of this machine such as `localhost`, don't. */
const isResolved = (host: string): boolean => isIP(host) === 0 && host.includes('.') && !host.endsWith('.localhost');

function put<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_GROUPS) map.delete(map.keys().next().value as string);
}
