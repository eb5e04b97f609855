// The engine's nouns. No stage, no SQL, no domain: what travels between the stages.
import type { GraphQLError, GraphQLSchema } from 'graphql';
import type { AnnouncedNode, Operation } from './announced-node.js';
import type { Definition, SecretField } from './definition.js';

import type { PaceState } from './pace.js';

export * from './announced-node.js';
export * from './definition.js';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** As whom a stored query runs. Opaque to the engine. */
export interface Owner {
  tenant: string;
  userId: string;
}

/** Who calls the engine's subscription and delivery functions. */
export interface Actor extends Owner {
  canManageWebhooks: boolean;
  /** What they ask with, for the audit log; absent where the host doesn't know. */
  token?: { id: string; name: string } | null;
}

/** A row as an event saw it, by column name; answers `node(id:)` where the row is gone. */
export interface Snapshot {
  typename: string;
  key: string;
  columns: Record<string, Json>;
  /** The row as it is going to be: answers also where there is another in the database. */
  ahead?: true;
}

/** Whose fault a resolver's error is: `data`, a null that the payload may carry; `node`, this node's; `ours`, run again. */
export type Fault = 'data' | 'node' | 'ours';

/** What the host tells the engine, and no more. */
export interface Host {
  schema(): GraphQLSchema;
  nodes: AnnouncedNode[];
  /** What is wrong with the announcement, measured by the database as it is now; asked for when the catalog changed. */
  announcementProblems?(): Promise<{ typename: string; message: string; hint: string }[]>;
  /** The announced types that group subscriptions and that limit them, where the host has such. */
  integrationType?: string;
  environmentType?: string;
  toGlobalId(typename: string, key: string): string;
  fromGlobalId(id: string): { typename: string; key: string } | null;
  /**
   * Looks `owner` up now; answers what makes a fresh context for each stored query to execute as them, or null when they are gone,
   * disabled or moved.
   */
  contextFor(owner: Owner): Promise<((overlay: Snapshot[]) => object | Promise<object>) | null>;
  faultOf(error: GraphQLError): Fault;
  /**
   * By typename, the root field that finds a node by its key: `space(id: $id)`, `bookingSlot(bookingId: $bookingId, slotId: $slotId)`.
   * A part of the key has the name of its GraphQL field; the only part is also `$id` and `$key`. Absent: `node(id: $nodeId)`, where
   * the schema has that.
   */
  find?: Record<string, string>;
  /** Arguments that give the size of a page; default: first, last, limit, take, pageSize, perPage. */
  pageArguments?: string[];
  /** What is sent where a subscription has no query: the node's id with its URL, or its row. Default: LINK. */
  defaultPayload?: 'LINK' | 'ROW';
  /** False: no resolver refuses a field to an owner who finds the node, so events are told without asking as the owner. Default: true. */
  fieldRights?: boolean;
  /** The announced types whose writes pass the gate, so that before-hooks can be asked. Absent: all of them do. */
  gatedTypes?: ReadonlySet<string>;
}

export type DeliveryKind = 'LIVE' | 'TEST' | 'REPLAY' | 'SNAPSHOT' | 'BEFORE';
export type DeliveryState = 'PENDING' | 'SKIPPED' | 'DELIVERED' | 'RETRYING' | 'HELD' | 'FAILED' | 'CANCELLED';
export type DisabledReason = 'OWNER' | 'RETRIES_EXHAUSTED' | 'TOO_MANY_ERRORS' | 'GONE' | 'OWNER_GONE' | 'INTEGRATION';
export type Stage = 'QUERY' | 'VALIDATION' | 'TEMPLATE' | 'AUTH' | 'ADDRESS' | 'CONNECT' | 'TIMEOUT' | 'STATUS' | 'ERROR_TEMPLATE';
export type Outcome = 'DELIVERED' | 'SKIPPED' | 'HELD' | 'FAILED';

export interface Topic {
  id: string;
  key: string;
  version: string;
  typename: string;
  operation: Operation;
  /** It tells of a value that a column took. */
  isLifecycle: boolean;
  description: string;
  createdAt: Date;
  updatedAt: Date;
}

export type ReplayState = 'RUNNING' | 'DONE' | 'CANCELLED';

/** Past events that are sent again to one subscription. */
export interface Replay {
  id: string;
  subscriptionId: string;
  /** Both inclusive. */
  fromAt: Date;
  toAt: Date;
  state: ReplayState;
  deliveryCount: number;
  /** Of its time, 0–1. */
  progress: number;
  createdAt: Date;
  updatedAt: Date;
}

/** A row by column, each value as the JSON text that Postgres wrote: no digit is lost. */
export type RowTexts = Record<string, string>;

/** What templates are told of an event, before the owner's rights decide about its fields. */
export interface RecordedEvent {
  operation: Operation;
  /** Columns; `null` of a creation and a deletion. */
  changed: string[] | null;
  before: RowTexts | null;
  after: RowTexts | null;
  /** `hookgraph.context`, as the writer's session had it. */
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
  /** `hookgraph.context` as the writer's session had it: actor, trace parent. */
  context: Json;
}

/** How fast notifications of a subscription begin. */
export interface CurrentPace {
  state: PaceState;
  /** `null`: no limit a second. */
  perSecond: number | null;
  /** ISO 8601. Nothing begins before; `null`: it goes on now. */
  resumesAt: string | null;
  /** ISO 8601: when the state began. */
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
  /** When the last old shared secret stops signing; null: there is none. */
  rotationEndsAt: Date | null;
  integrationId: string | null;
  environmentIds: string[] | null;
  status: 'ENABLED' | 'DISABLED' | 'HELD' | 'DELETED';
  disabledAt: Date | null;
  disabledReason: DisabledReason | null;
  /** The sentence behind the reason, for people. */
  disabledMessage: string | null;
  brokenReason: string | null;
  /** `null`: full speed. */
  pace: CurrentPace | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface Delivery {
  id: string;
  eventId: string | null;
  /** Of the replay that made it. */
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

/** An HTTP request as it goes out: always a POST. */
export interface Exchange {
  url: string;
  origin: string;
  headers: Record<string, string>;
  body: Buffer;
}

/** Where and as whom to publish. */
export interface SnsAccess {
  topicArn: string;
  /** A topic that we made. */
  managed: boolean;
  /** Null: AWS' own. */
  endpoint: string | null;
  /** A role to be assumed, which may ask for the tenant as its external id. */
  role: { arn: string; externalId: string } | null;
  /** Null: the installation's credentials. */
  keys: { accessKeyId: string; secretAccessKey: string } | null;
}

/** A message as it is published to an SNS topic. */
export interface Publication {
  access: SnsAccess;
  /** Of a subscription's version: what holds credentials holds them for so long. */
  subscriptionId: string;
  version: number;
  message: string;
  attributes: Record<string, string>;
  /** Of FIFO topics only. */
  fifo: { groupId: string; deduplicationId: string } | null;
}

/** Milliseconds per stage; only stages that ran. */
export interface Timings {
  queryMs?: number;
  renderMs?: number;
  /** Waited for an access token. */
  authMs?: number;
  sendMs?: number;
  firstByteMs?: number;
}

/** `SWITCHED_OFF`: its subscription records none. `UNMASKABLE`: what it wants masked could not be looked for in it. */
export type BodyOmitted = 'SWITCHED_OFF' | 'UNMASKABLE';

export interface RecordedBody {
  /** Null: it was left out. */
  body: string | null;
  omitted?: BodyOmitted | null;
  /** Of the body as it was, where something of it isn't there any more. */
  bytes?: number | null;
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
