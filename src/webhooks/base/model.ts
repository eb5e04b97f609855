// Declares the types that all stages use: host, topics, subscriptions, deliveries and attempts.
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { AnnouncedNode, Operation } from './announced-node.js';
import type { Definition, SecretField } from './definition.js';

import type { PaceState } from './pace.js';
import type { ReplayMode } from './replay-mode.js';
import type { Stage } from './stages.js';

export * from './announced-node.js';
export * from './definition.js';
export type { ReplayMode } from './replay-mode.js';
export type { Stage } from './stages.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The user with whose rights a stored query runs. The engine doesn't interpret the two ids. */
export interface Owner {
  tenant: string;
  userId: string;
}

/** The caller of the engine's subscription and delivery functions. */
export interface Actor extends Owner {
  canManageWebhooks: boolean;
  /** Why the caller may not manage webhooks, in a sentence for people. */
  cannotManageReason?: string | null;
  /**
   * The API token of the call, for the audit log; absent when the host doesn't know it. `scope` says what it allows, in the host's words.
   * `expiresAt` is `null` when it never expires.
   */
  token?: { id: string; name: string; scope?: string | null; expiresAt?: Date | null } | null;
}

/** A row as it was at an event; `columns`: its values by name. Stored queries read it when the database no longer has the row. */
export interface Snapshot {
  typename: string;
  key: string;
  columns: Record<string, Json>;
  /**
   * Set when stored queries must read this row instead of the version in the database, e.g. for a before-hook, whose write is not
   * committed.
   */
  ahead?: true;
}

/**
 * What a resolver's error means for the delivery. `data`: the field is `null` in the payload. `node`: no payload can be built for this
 * node, so the delivery gets the state HELD. `ours`: the installation failed, which only its operator can correct, so the delivery returns
 * to the queue and is tried again with growing pauses.
 */
export type Fault = 'data' | 'node' | 'ours';

/** The application that embeds Hookgraph, as the engine sees it: its schema, its node types and its users. */
export interface Host {
  schema(): GraphQLSchema;
  nodes: AnnouncedNode[];
  /**
   * Returns each mismatch between the announced types and the tables of the database. Called again whenever the database catalog changes.
   */
  announcementProblems?(): Promise<{ typename: string; message: string; hint: string }[]>;
  /**
   * `integrationType`: the node type by which subscriptions can be grouped, to disable them together. `environmentType`: the node type of
   * environments; a subscription can be restricted to events in some of them. Absent: the host has no such type.
   */
  integrationType?: string;
  environmentType?: string;
  toGlobalId(typename: string, key: string): string;
  fromGlobalId(id: string): { typename: string; key: string } | null;
  /**
   * Looks up the owner. Returns `null` when the owner is deleted, disabled or moved to another tenant. Otherwise returns a function that
   * makes a new GraphQL context for each stored query of this owner. Resolvers also find the rows in `overlay` through it.
   */
  contextFor(owner: Owner): Promise<((overlay: Snapshot[]) => object | Promise<object>) | null>;
  faultOf(error: GraphQLError): Fault;
  /**
   * Typename → the root field that finds a node by its key: `space(id: $id)`, `bookingSlot(bookingId: $bookingId, slotId: $slotId)`. Each
   * part of the key is a variable named like its GraphQL field; a key of one part can also be written `$id` or `$key`. Absent: the field
   * `node(id: $nodeId)` of the schema, if it exists.
   */
  find?: Record<string, string>;
  /** Names of the arguments that set the size of a page. Default: first, last, limit, take, pageSize, perPage. */
  pageArguments?: string[];
  /** The payload of a subscription without a query: the node's id and URL (LINK), or its row (ROW). Default: LINK. */
  defaultPayload?: 'LINK' | 'ROW';
  /**
   * Whether resolvers may refuse single fields to an owner who can read the node. `false`: templates get all fields of `event`, and no
   * query checks first which fields the owner may read. Default: true.
   */
  fieldRights?: boolean;
  /** The announced types whose writes can call before-hooks (subscriptions that can refuse a write). Absent: all announced types. */
  gatedTypes?: ReadonlySet<string>;
}

export const DELIVERY_KINDS = ['LIVE', 'TEST', 'REPLAY', 'RESEND', 'SNAPSHOT', 'BEFORE'] as const;
export type DeliveryKind = (typeof DELIVERY_KINDS)[number];

/**
 * Returns the id by which receivers recognize a repeated event; `null` when the delivery's own id serves for that. A user makes a RESEND to
 * send a delivery as new, so that a receiver that ignores repetitions accepts it.
 */
export const stableEventId = ({ kind, eventId }: { kind: DeliveryKind; eventId: string | null }): string | null =>
  kind === 'RESEND' ? null : eventId;
export const DELIVERY_STATES = ['PENDING', 'SKIPPED', 'DELIVERED', 'RETRYING', 'HELD', 'FAILED', 'CANCELLED'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];
export type DisabledReason = 'OWNER' | 'RETRIES_EXHAUSTED' | 'TOO_MANY_ERRORS' | 'GONE' | 'OWNER_GONE' | 'INTEGRATION';
export type SlowedReason = 'THROTTLED' | 'FAILING';
export type Health = 'WORKING' | 'SLOWED' | 'HELD' | 'DISABLED' | 'DELETED';
export type Outcome = 'DELIVERED' | 'SKIPPED' | 'HELD' | 'FAILED';

export interface Topic {
  id: string;
  key: string;
  version: string;
  typename: string;
  operation: Operation;
  /** Whether the topic fires when a column changes to a certain value, instead of on every created, updated or deleted row. */
  isLifecycle: boolean;
  description: string;
  createdAt: Date;
  updatedAt: Date;
}

export type ReplayState = 'RUNNING' | 'DONE' | 'CANCELLED';

/** A request to send past events to one subscription again. */
export interface Replay {
  id: string;
  subscriptionId: string;
  /** Start of the replayed period, inclusive; `toAt` is inclusive too. */
  fromAt: Date;
  toAt: Date;
  state: ReplayState;
  mode: ReplayMode;
  /** Whether the replay sends current nodes instead of past events. */
  isSnapshot: boolean;
  /** Whether events that the subscription did not miss are sent again, too. */
  includesDelivered: boolean;
  deliveryCount: number;
  /** The replayed share of the period, from 0 to 1. */
  progress: number;
  createdAt: Date;
  updatedAt: Date;
}

export const BULK_ACTION_KINDS = ['RESEND', 'RESEND_AS_NEW', 'DELETE_ERRORS'] as const;
export type BulkActionKind = (typeof BULK_ACTION_KINDS)[number];

/** An action of a user on many deliveries or errors, carried out in steps. */
export interface BulkAction {
  id: string;
  kind: BulkActionKind;
  state: 'RUNNING' | 'DONE' | 'CANCELLED';
  /** Number of rows that matched when the action was started. */
  total: number;
  /** Number of rows that were changed so far. */
  done: number;
  /** The share of the rows that have been processed, from 0 to 1. */
  progress: number;
  createdAt: Date;
  updatedAt: Date;
}

/** A row: column → its value as the JSON text that Postgres wrote, so that long numbers keep all digits. */
export type RowTexts = Record<string, string>;

/** An event as it was recorded. Templates get it without the fields that the owner may not read. */
export interface RecordedEvent {
  operation: Operation;
  /** Names of the changed columns; `null` for a creation or a deletion. */
  changed: string[] | null;
  before: RowTexts | null;
  after: RowTexts | null;
  /** The Postgres setting `hookgraph.context` of the session that wrote the row; `null` when it was not set. */
  context: string | null;
}

export interface EventRecord {
  id: string;
  occurredAt: Date;
  typename: string;
  nodeKey: string;
  operation: Operation;
  changed: string[] | null;
  before: Record<string, Json> | null;
  after: Record<string, Json> | null;
  /**
   * The Postgres setting `hookgraph.context` of the session that wrote the row, which the host sets, e.g. to the acting user and a trace
   * parent.
   */
  context: Json;
}

/** How fast deliveries of a subscription currently start. */
export interface CurrentPace {
  state: PaceState;
  /** Deliveries a second; `null` when unlimited. */
  perSecond: number | null;
  /** ISO 8601 time before which no delivery starts; `null` when deliveries can start now. */
  resumesAt: string | null;
  /** ISO 8601 time at which the state began. */
  since: string;
}

export interface Subscription {
  id: string;
  tenant: string;
  owner: string;
  name: string | null;
  topicId: string;
  version: number;
  definition: Definition;
  secretFields: SecretField[];
  /** When the last replaced shared secret stops signing requests; `null` when only the current secret signs. */
  rotationEndsAt: Date | null;
  integrationId: string | null;
  environmentIds: string[] | null;
  status: 'ENABLED' | 'DISABLED' | 'HELD' | 'DELETED';
  disabledAt: Date | null;
  disabledReason: DisabledReason | null;
  /** Explains `disabledReason` to people. */
  disabledMessage: string | null;
  brokenAt: Date | null;
  brokenReason: string | null;
  health: Health;
  /** When the receiver began to fail, or first asked to slow down; `null` when it does neither. */
  slowedAt: Date | null;
  slowedReason: SlowedReason | null;
  /** How fast deliveries start; `null` when nothing slows or limits them. */
  pace: CurrentPace | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface Delivery {
  id: string;
  eventId: string | null;
  /** The replay that created the delivery; `null` when no replay did. */
  replayId: string | null;
  subscriptionId: string;
  topicId: string;
  kind: DeliveryKind;
  typename: string;
  nodeKey: string;
  state: DeliveryState;
  reason: string | null;
  dueAt: Date;
  attemptCount: number;
  createdAt: Date;
  updatedAt: Date;
}

/** An outgoing HTTP request; always a POST. */
export interface Exchange {
  url: string;
  origin: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** Duration of each stage that ran, in milliseconds. */
export interface Timings {
  queryMs?: number;
  renderMs?: number;
  /** Time spent waiting for an access token. */
  authMs?: number;
  sendMs?: number;
  firstByteMs?: number;
}

/**
 * Why there is no body. `SWITCHED_OFF`: the subscription records no bodies. `UNMASKABLE`: the values to mask couldn't be located.
 * `DELETED`: it was deleted because of its age, with its headers. `FORGOTTEN`: an admin had everything about its node blanked.
 */
export type BodyOmitted = 'SWITCHED_OFF' | 'UNMASKABLE' | 'DELETED' | 'FORGOTTEN';

export interface RecordedBody {
  /** `null` when the body was not recorded. */
  body: string | null;
  omitted?: BodyOmitted | null;
  /** Size of the original body in bytes, if the body was masked or omitted. */
  bytes?: number | null;
  /** The query's result as JSON, if a template made the body from it; otherwise `null`. Absent from responses. */
  data?: string | null;
}

export interface Attempt {
  id: string;
  deliveryId: string;
  subscriptionVersion: number;
  number: number;
  outcome: Outcome;
  stage: Stage | null;
  message: string | null;
  startedAt: Date;
  durationMs: number;
  timings: Timings | null;
  request: ({ url: string; headers: Record<string, string> } & RecordedBody) | null;
  response: ({ status: number; headers: Record<string, string> } & RecordedBody) | null;
}
