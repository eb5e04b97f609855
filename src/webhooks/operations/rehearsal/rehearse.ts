// Runs stored events through a compiled definition as deliveries would, one after the other, and sends nothing.
import type { Compiled } from '../../base/compiled.js';
import type { Engine } from '../../base/engine.js';
import { HostFailed, WebhooksError } from '../../base/errors.js';
import type { RecordedEvent, Snapshot } from '../../base/model.js';
import { openContext } from '../../base/recall.js';
import type { StageReport } from '../../base/report.js';
import type { Stage } from '../../base/stages.js';
import type { ReplayObstacle } from '../../base/store/delivery-state.js';
import { TemplateError } from '../../base/templates/template.js';
import { buildPayload, type PayloadSubject } from '../../payload/build-payload.js';
import { loadBatchEvents } from '../../payload/load-snapshots.js';
import { compose } from '../../send-delivery.js';
import type { BodyChange } from './body-changes.js';

/** The result that a delivery of an event would have. */
export interface Rehearsed {
  outcome: 'SENT' | 'SKIPPED' | 'FAILED';
  stage: Stage | null;
  message: string | null;
  /** The body that would be sent; `null` unless the outcome is SENT. */
  body: string | null;
}

/** The rehearsal of one event, and the earlier result that it is compared with. */
export interface RehearsedEvent extends Omit<Rehearsed, 'outcome'> {
  eventId: string;
  /** `IMPOSSIBLE`: the replay would repeat an earlier request, but too little of that request is stored; `code` says why. */
  outcome: Rehearsed['outcome'] | 'IMPOSSIBLE';
  code: ReplayObstacle | null;
  /** The request that was sent before, or what the live version would do; `null` when there is neither. */
  before: Rehearsed | null;
  /** Where the bodies differ; `null` when there are no two bodies to compare. */
  changes: BodyChange[] | null;
}

export interface Rehearsal {
  events: RehearsedEvent[];
  /** The id of the event after which the next page begins. */
  position: string | null;
  hasNext: boolean;
}

/** Maximum number of events of one page. */
export const MAX_REHEARSED = 100;
/** Milliseconds after which a page ends early: a request waits for it. */
const REHEARSE_MS = 5_000;

/** Opens the GraphQL context of the owner. */
export type OpenOwner = (overlay: Snapshot[]) => object | Promise<object>;

export interface EventToRun {
  id: string;
  typename: string;
  nodeKey: string;
}

/** The event that templates read, and its row for a query that no longer finds the node. */
interface LoadedEvent {
  event: RecordedEvent | null;
  overlay: Snapshot[];
}

/** Runs `rehearse` for each event until the time for a page is over, but at least for the first event. */
export async function inPage<Event, Result>(events: readonly Event[], rehearse: (event: Event) => Promise<Result>): Promise<Result[]> {
  const endsMs = performance.now() + REHEARSE_MS;
  const results: Result[] = [];
  for (const event of events) {
    if (results.length > 0 && performance.now() >= endsMs) break;
    results.push(await rehearse(event));
  }
  return results;
}

/** Loads what the definitions need of the events, in two statements. */
export async function loadForRehearsal(
  engine: Engine,
  events: readonly EventToRun[],
  definitions: readonly Compiled[],
): Promise<(event: EventToRun) => LoadedEvent> {
  // A definition reads the rows if it has a query, and the whole events if its templates do.
  const needed = definitions.find(({ event }) => event !== null) ?? definitions.find(({ document }) => document !== null) ?? null;
  const { snapshots, events: recorded } = await loadBatchEvents(
    engine.pool,
    events.map(({ id }) => ({ eventId: id })),
    () => needed,
  );
  return ({ id, typename, nodeKey }) => {
    const columns = snapshots.get(id);
    return { event: recorded.get(id) ?? null, overlay: columns ? [{ typename, key: nodeKey, columns }] : [] };
  };
}

interface Running {
  subject: PayloadSubject;
  loaded: LoadedEvent;
  openOwner: OpenOwner;
  /** Whether the templates are not saved yet. They then run in the slow process, so that no delivery waits for them. */
  isTrial?: boolean;
}

/**
 * Builds the request of one event, and reports what a delivery would do with it.
 * @throws TemplateError `busy` when no render process was free
 */
export async function rehearseOne(
  engine: Engine,
  compiled: Compiled,
  { subject, loaded, openOwner, isTrial = false }: Running,
): Promise<Rehearsed> {
  const reports: StageReport[] = [];
  const sources = () => ({ ...loaded, open: (overlay: Snapshot[]) => openContext(engine.host, openOwner, overlay) });
  const built = await Promise.resolve(
    buildPayload(engine, compiled, subject, sources, isTrial ? (report) => void reports.push(report) : undefined),
  ).catch((error) => {
    if (!(error instanceof HostFailed)) throw error;
    engine.log.error({ err: error }, 'a rehearsal failed, because a resolver or the database of this API failed');
    return { outcome: 'HELD' as const, stage: 'QUERY' as const, message: error.shown };
  });
  if (built.outcome !== 'READY')
    return { outcome: built.outcome === 'SKIPPED' ? 'SKIPPED' : 'FAILED', stage: built.stage, message: built.message, body: null };
  // In a trial, the body template runs even if the validation template rejected the event, so the rejection is found in the reports.
  const skipped = reports.find(({ outcome }) => outcome === 'SKIPPED');
  if (skipped) return { outcome: 'SKIPPED', stage: 'VALIDATION', message: skipped.message, body: null };
  const ids = { deliveryId: subject.id, typename: subject.typename, nodeKey: subject.nodeKey, eventId: subject.eventId };
  const { refused } = compose(engine, compiled, ids, built.body);
  if (refused) return { outcome: 'FAILED', stage: refused.stage, message: refused.message, body: null };
  return { outcome: 'SENT', stage: null, message: null, body: built.body.text };
}

/** Wraps a rehearsal, which a request to the API waits for. @throws WebhooksError `TEMPLATES_BUSY` when no render process was free */
export const orBusy =
  <Arguments extends unknown[], Result>(rehearse: (...args: Arguments) => Promise<Result>) =>
  (...args: Arguments): Promise<Result> =>
    rehearse(...args).catch((error) => {
      if (!(error instanceof TemplateError) || error.fault !== 'busy') throw error;
      throw new WebhooksError('TEMPLATES_BUSY', error.message, 'Try again later.');
    });
