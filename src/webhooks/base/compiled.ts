// Declares one version of a subscription with its secrets, compiled once so that every delivery of it can reuse the result.
import type { DocumentNode } from 'graphql';
import type {
  AnnouncedNode,
  Auth,
  ContentType,
  Definition,
  OldSecret,
  Owner,
  Secrets,
  SignatureScheme,
  Subscription,
  Topic,
} from './model.js';
import type { KeyVariable } from './query/key-variables.js';
import type { Recorder } from './recording/recording.js';
import type { EventUse } from './templates/event-use.js';
import type { Template } from './templates/template.js';

/** A subscription as the worker loads it. Holds plaintext secrets, so it must never leave the process. */
export interface Sendable {
  subscription: Subscription;
  topic: Pick<Topic, 'key' | 'version' | 'typename' | 'operation'>;
  secrets: Secrets;
}

/** The parts of a subscription that compileDefinition() reads. A preview of an unsaved subscription has only these parts. */
export interface Compilable extends Omit<Sendable, 'subscription'> {
  subscription: Pick<Subscription, 'id' | 'version' | 'tenant' | 'owner' | 'definition'>;
}

export interface Compiled {
  subscriptionId: string;
  version: number;
  owner: Owner;
  topic: Sendable['topic'];
  /** The node type of the topic; `null` when the host no longer announces it. */
  node: AnnouncedNode | null;
  contentType: ContentType;
  /** The destination as attempts record it: a URL, or a name such as an ARN. */
  url: string;
  /** The origin that requests go to; connections are limited and pooled per origin. */
  origin: string;
  /** `field`: the definition's field for this kind of destination, e.g. `sns`. `access`: what its sender needs, such as credentials. */
  destination: { field: string; access: unknown };
  document: DocumentNode | null;
  /** The variables of the stored query whose values are parts of the node's key. */
  keys: KeyVariable[];
  /** The fields of `event` that the templates or the default payload read; `null` when none of them reads `event`. */
  event: EventUse | null;
  validation: Template | null;
  template: Template | null;
  errorTemplate: Template | null;
  headers: Record<string, string>;
  signatures: SignatureScheme[];
  sharedSecret: string | null;
  auth: Auth | null;
  oldSecrets: readonly OldSecret[];
  /** Plaintext secrets, to be removed from recorded responses. */
  secretTexts: string[];
  retry: Definition['retry'];
  /** Whether notifications carry consecutive numbers. */
  numbered: boolean;
  /** The columns that the query and templates read. An update that changes none of them is skipped; `null`: no update is skipped. */
  reads: ReadonlySet<string> | null;
  /** The fields of related rows, such as `items.price`, whose changes are sent as updates of the node. */
  related: ReadonlySet<string>;
  /** Masks or removes recorded bodies; `null` when attempts are recorded unchanged. */
  recorder: Recorder | null;
}
