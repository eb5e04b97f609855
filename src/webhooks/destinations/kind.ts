// Declares the interface of a kind of destination, such as HTTPS or SQS. Each kind is a folder beside this file; `registry.ts` lists the
// kinds.
import type { PoolClient } from 'pg';
import type { Variable } from '../../runtime/config-texts.js';
import type { Compiled } from '../base/compiled.js';
import type { Engine, Settings as InstallationSettings } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Field } from '../base/fields/field.js';
import type { ReplayMode } from '../base/model.js';
import type { Guard } from '../base/network/guard.js';
import type { Destination, NoReply } from './destination.js';

/** The receiver of a subscription, computed once for each version of the subscription. */
export interface Located<Access> {
  /** The URL or ARN that each attempt records. */
  url: string;
  /** The origin of the URL to which requests are sent. Concurrent requests are limited per origin. */
  origin: string;
  /** Everything that the sender needs to reach the receiver, including secrets. */
  access: Access;
}

/** Identifies the delivery, the node and the event of a message. */
export interface DeliveryIds {
  deliveryId: string;
  typename: string;
  nodeKey: string;
  /** The id of the event; `null` for a test and a before-hook, and for a delivery that is resent as new. */
  eventId: string | null;
  /** The mode of the replay that sends the message; absent if no replay sends it. */
  replay?: ReplayMode;
  /** Set when a snapshot sends the node in its current state. */
  isSnapshot?: boolean;
  /** The W3C `traceparent` to send with the message; absent unless tracing is configured. */
  traceparent?: string;
  /** The number of the notification; absent unless the subscription is numbered. */
  sequence?: Sequence;
}

/** The number of a notification of a numbered subscription, and the number of the previous notification (`0` for the first one). */
export interface Sequence {
  number: string;
  previous: string;
}

export interface Composed<Message> {
  message: Message;
  /** The request as its attempt records it, without secrets. */
  recorded: { url: string; headers: Record<string, string>; body: string };
  /** The result of the attempt when the message must not be sent; otherwise absent. */
  refused?: NoReply;
}

/** Creates and deletes the resources that subscriptions need at a destination, such as SNS topics. Each step must be idempotent. */
export interface Upkeep<Settings> {
  /**
   * Queues the resources named by a subscription's old and new settings, so that `settle` creates or deletes them. Runs in the transaction
   * of the save.
   */
  note(client: PoolClient, subscriptionId: string, settings: Settings[]): Promise<void>;
  /** Queues the deletion of the subscription's resources. Runs in the transaction that deletes the subscription. */
  forget(client: PoolClient, subscriptionId: string): Promise<void>;
  /**
   * Creates and deletes the queued resources of one subscription; `null`: of all subscriptions. A step that fails is returned as a warning
   * and stays queued.
   */
  settle(engine: Engine, subscriptionId: string | null): Promise<Problem[]>;
  /** Interval in milliseconds at which each worker calls `settle`. */
  everyMs: number;
}

/** The resources that an installation offers to subscriptions with one kind of destination. */
export interface Offer {
  /** AWS accounts for which the installation's credentials may be used. */
  accounts: string[];
  /** Whether the installation creates the resource for a subscription. */
  managed: boolean;
}

export interface DestinationKind<Settings = unknown, Access = unknown, Message = unknown> {
  /**
   * The subscription's field that configures this destination. The API, the command line, YAML files and the reference are generated from
   * it. Its name is the key of the stored settings and secrets.
   */
  field: Field;
  /** The name that users see, such as `AWS SQS`. */
  title: string;
  /** Why a subscription that is called before a write can't use this destination; `null` when it can. */
  notBefore: string | null;
  /** Whether messages are HTTP requests to which a subscription can add headers, authentication and signatures. */
  isHttp: boolean;
  /** The environment variables that configure this kind of destination for the installation. */
  variables?: Readonly<Record<string, Variable<unknown>>>;
  /** Returns what the installation offers to this tenant. Absent: the kind needs nothing from an installation. */
  offer?(settings: InstallationSettings, tenant: string): Offer;
  /** The part of the settings that identifies the receiver. When it changes, the sending rate learned from the old receiver is dropped. */
  receiverOf(settings: Settings): unknown;

  /**
   * Computes where a subscription's messages go. Saved settings are valid, because they were checked. @throws Error for invalid settings
   */
  locate(settings: Settings, secrets: object | undefined, subscription: { id: string; tenant: string }): Located<Access>;
  /** Builds the message of one delivery. Sends nothing. */
  compose(
    engine: Pick<Engine, 'settings' | 'host'>,
    compiled: Compiled,
    ids: DeliveryIds,
    body: { text: string; contentType: string; sentHeaders?: Record<string, string> },
  ): Composed<Message>;
  /**
   * Opens the sender, which all subscriptions of a process share. All its connections must go through the guard, which refuses private
   * addresses.
   * @param deadlineMs the usual deadline of an attempt in milliseconds
   * @param perOrigin maximum number of concurrent requests to one origin
   */
  open(guard: Guard, deadlineMs: number, perOrigin: number): Promise<Destination<Message>>;

  upkeep?: Upkeep<Settings>;
}
