// Decides whether a failed connection is the receiver's fault or this installation's, by what else failed and worked at the same time.
import { isIP } from 'node:net';
import { isBlocked } from './address.js';

/** `NAME`: asking a resolver. `CONNECT`: everything after it, up to the first byte of an answer. */
export type Step = 'NAME' | 'CONNECT';

/**
 * How much an error alone says. `LOCAL`: only this machine can cause it. `LIKELY`: this installation's unless other receivers work.
 * `POSSIBLE`: the receiver's unless many unrelated receivers fail at once and none works.
 */
export type Suspicion = 'LOCAL' | 'LIKELY' | 'POSSIBLE';

export interface NetworkFailure {
  step: Step;
  suspicion: Suspicion;
  /** The host of the receiver, or of its token endpoint. */
  host: string;
  /** The error's code, for the operator's log. */
  code: string;
}

/** `UNSURE`: ask again when others under way at the same time have ended. */
export type Blame = 'OURS' | 'THEIRS' | 'UNSURE';

/** Descriptors, buffers and memory of this machine have run out. */
const LOCAL_CODES = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAI_MEMORY']);
/** No route, no interface, no address or port to connect from, a firewall of this machine. A router or a single route can answer so, too. */
const ROUTE_CODES = new Set(['ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL', 'EACCES', 'EPERM']);
/** The name servers answered that there is no such name. Any other failure of a lookup may be the resolver's own. */
const NO_SUCH_NAME = new Set(['ENOTFOUND', 'ENODATA', 'EAI_NONAME', 'EAI_NODATA']);

/** A failure counts as simultaneous with another for this long, and a success disproves for this long. */
const AT_ONCE_MS = 10_000;
const DISPROVES_MS = 60_000;
/** This many unrelated receivers, of at least two organizations, must fail at once before `POSSIBLE` becomes ours. */
const UNRELATED = 3;
const ORGANIZATIONS = 2;
/** Beyond this many groups of hosts a board forgets the oldest. */
const MAX_GROUPS = 2_000;
const MAX_NAMES = 50;

type Coded = Error & { code?: string; address?: string; errors?: Coded[] };

/** What the error of a lookup or a connection says by itself. */
export function suspicionOf(error: unknown, step: Step): { suspicion: Suspicion; code: string } {
  const { code, name, errors } = error as Coded;
  // Several addresses were tried: the least suspicious error counts, since one reachable address is enough.
  const each = (errors?.length ? errors : [error as Coded]).map((one) => ({ ...one, code: one.code ?? code ?? name }));
  const told = each[0]?.code ?? name;
  if (each.every((one) => LOCAL_CODES.has(one.code))) return { suspicion: 'LOCAL', code: told };
  if (step === 'NAME') return { suspicion: NO_SUCH_NAME.has(told) ? 'POSSIBLE' : 'LIKELY', code: told };
  const ofRoute = each.every((one) => LOCAL_CODES.has(one.code) || ROUTE_CODES.has(one.code));
  // Many a network has no IPv6: that a receiver has nothing else is the receiver's business.
  const isOnlyIPv6 = each.every(({ address = '' }) => isIP(address) === 6);
  return { suspicion: ofRoute && !isOnlyIPv6 ? 'LIKELY' : 'POSSIBLE', code: told };
}

/** Hosts that one owner may have: the last two labels of a name, three under `co.uk` and its like; the network of an address. */
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

/** What is known of one step, in one kind of network. */
interface Board {
  /** By group of hosts: when it last worked. */
  worked: Map<string, number>;
  failing: Map<string, Failing>;
  /** When a failure was last judged to be ours. */
  oursMs: number;
}

/** One for all connections of a process. Pure but for its memory: the clock is an argument. */
export class NetworkEvidence {
  private readonly boards = new Map<string, Board>();
  /** Whether a host leads into a private network: those work while the way out doesn't, and the other way round. */
  private readonly privateHosts = new Set<string>();
  /** Names that were resolved, the newest last. */
  private readonly names = new Set<string>();

  constructor(private readonly now: () => number = Date.now) {}

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

  /** Whether anything failed that hasn't worked since. */
  get isSuspicious(): boolean {
    for (const { failing } of this.boards.values()) if (failing.size > 0) return true;
    return false;
  }

  /** The address that a connection to this host goes to. */
  noteNetwork(host: string, address: string): void {
    if (isBlocked(address, []) === null) this.privateHosts.delete(host);
    else if (this.privateHosts.size < MAX_GROUPS) this.privateHosts.add(host);
  }

  /** Whether the step has worked for anybody after this moment. */
  hasWorkedSince({ step, host }: Pick<NetworkFailure, 'step' | 'host'>, sinceMs: number): boolean {
    return [...this.boardOf(step, host).worked.values()].some((at) => at > sinceMs);
  }

  /** A name of somebody else's that worked before, to try the resolver with. */
  controlName(host: string): string | null {
    const own = groupOf(host);
    return [...this.names].reverse().find((name) => groupOf(name) !== own) ?? null;
  }

  /** `tenant`: whose delivery failed; null when it isn't known. */
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
    // A cache answers for some names while the resolver is away: fewer that work than that fail disprove nothing.
    if (suspicion === 'LIKELY') return others > 0 && others >= this.suspects(board, 'LIKELY').count ? 'THEIRS' : 'OURS';
    if (others > 0) return 'THEIRS';
    if (nowMs - board.oursMs < AT_ONCE_MS) return 'OURS';
    const { groups, organizations } = this.suspects(board);
    if (groups >= UNRELATED && organizations >= ORGANIZATIONS) return 'OURS';
    // Of fewer receivers than that nothing can be learned by waiting.
    const lately = [...board.worked].filter(([, at]) => at > nowMs - DISPROVES_MS).map(([group]) => group);
    return new Set([...board.failing.keys(), ...lately]).size >= UNRELATED ? 'UNSURE' : 'THEIRS';
  }

  /** How many other groups have worked after this moment. */
  private disprovers({ worked }: Board, group: string, afterMs: number): number {
    let count = 0;
    for (const [other, at] of worked) if (other !== group && at > afterMs) count += 1;
    return count;
  }

  /** Those that fail at once. Who failed before while others worked is no sign of anything. */
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

/** Neither addresses nor names of this machine need a resolver. */
const isResolved = (host: string): boolean => isIP(host) === 0 && host.includes('.') && !host.endsWith('.localhost');

function put<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_GROUPS) map.delete(map.keys().next().value as string);
}
