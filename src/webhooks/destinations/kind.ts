// Declares what a kind of destination consists of. Each kind is a folder beside this file; `registry.ts` lists them.
import type { PoolClient } from 'pg';
import type { Variable } from '../../runtime/config-texts.js';
import type { Compiled } from '../base/compiled.js';
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Field } from '../base/fields/field.js';
import type { Guard } from '../base/network/guard.js';
import type { Destination, NoReply } from './destination.js';

/** Where messages go and how; made once for each version of a subscription. */
export interface Located<Access> {
  /** The URL or name that attempts record. */
  url: string;
  /** The origin that requests go to; concurrency is limited per origin. */
  origin: string;
  /** The values that the sender needs, with secrets. */
  access: Access;
}

/** The delivery that a message is about. */
export interface DeliveryIds {
  deliveryId: string;
  typename: string;
  nodeKey: string;
  eventId: string | null;
  /** The W3C traceparent to send on; absent unless tracing is configured. */
  traceparent?: string;
}

export interface Composed<Message> {
  message: Message;
  /** The request in the form in which the attempt records it, without secrets. */
  recorded: { url: string; headers: Record<string, string>; body: string };
  /** Why the message must not be sent; absent when it may be. */
  refused?: NoReply;
}

/** Maintains resources that Hookgraph creates for subscriptions at a destination, e.g. topics. Each step must be idempotent. */
export interface Upkeep<Settings> {
  /** Queues the creation and removal of resources for the old and new settings. Runs in the transaction of the save. */
  note(client: PoolClient, subscriptionId: string, settings: Settings[]): Promise<void>;
  /** Queues the removal of the subscription's resources. Runs in the transaction that deletes the subscription. */
  forget(client: PoolClient, subscriptionId: string): Promise<void>;
  /** Performs the queued steps, for one subscription or for all. Failures are warnings and stay queued. */
  settle(engine: Engine, subscriptionId: string | null): Promise<Problem[]>;
  /** Interval in milliseconds at which each worker calls `settle`. */
  everyMs: number;
}

export interface DestinationKind<Settings = unknown, Access = unknown, Message = unknown> {
  /**
   * The field from which the API, the command line, YAML files and the reference are generated. Its name is the key of the
   * settings in stored definitions, and of the secrets.
   */
  field: Field;
  /** The kind's name for people, such as `AWS SQS`. */
  title: string;
  /** Why a before-hook can't use this destination; `null` when it can. */
  notBefore: string | null;
  /** Whether messages are HTTP requests of our own, which take headers, authentication and signatures. */
  isHttp: boolean;
  /** The installation's options of this kind, read from environment variables. */
  variables?: Readonly<Record<string, Variable<unknown>>>;
  /** The part of the settings that identifies the receiver: when it changes, what was learned about its speed is dropped. */
  receiverOf(settings: Settings): unknown;

  /** @throws Error when the settings are not those of a saved definition */
  locate(settings: Settings, secrets: object | undefined, subscription: { id: string; tenant: string }): Located<Access>;
  /** Builds the message of one delivery. Sends nothing. */
  compose(
    engine: Pick<Engine, 'settings' | 'host'>,
    compiled: Compiled,
    ids: DeliveryIds,
    body: { text: string; contentType: string },
  ): Composed<Message>;
  /**
   * Opens a sender, once for each process that needs it. All its connections go through the guard.
   * @param perOrigin maximum number of requests at once to an origin
   */
  open(guard: Guard, deadlineMs: number, perOrigin: number): Promise<Destination<Message>>;

  upkeep?: Upkeep<Settings>;
}
