// Declares the form in which each field of a subscription is described. The API, the command line, YAML files, the audit log and the
// reference all read these descriptions.
import type { Definition, Secrets } from '../definition.js';
import type { Engine, Settings } from '../engine.js';
import type { Problem } from '../errors.js';
import type { Json, Subscription } from '../model.js';

export interface EnumType {
  kind: 'ENUM';
  /** The name of the enum in GraphQL. */
  typename: string;
  description: string;
  /** Each value of the enum, with its description. */
  values: Readonly<Record<string, string>>;
}

/** A field that consists of inner fields, such as `retry` with `maxTries` and `maxTimeMs`. */
export interface RecordType {
  kind: 'RECORD';
  /** The GraphQL input type; absent when the record can't be set. */
  input?: { typename: string; description: string };
  /** The GraphQL object type; absent when the record is never returned. */
  output?: { typename: string; description: string };
  fields: readonly Field[];
  /** Whether an inner field that the input lacks keeps its saved value. Absent: the input replaces the whole record. */
  keepsAbsent?: true;
}

export type FieldType =
  | { kind: 'TEXT'; maxLength?: number }
  /** A text of several lines. Subscriptions as code (YAML files) store it in a separate file with this extension. */
  | { kind: 'SOURCE'; extension: string }
  | { kind: 'INTEGER' | 'NUMBER'; least: number; most: number }
  | { kind: 'BOOLEAN' }
  | EnumType
  /** The global id of a topic, or of a node of the host. The field doesn't exist if the host has no such type, e.g. no integrations. */
  | { kind: 'ID'; of: 'topic' | 'integration' | 'environment' }
  | RecordType
  | { kind: 'LIST'; of: FieldType };

/** How the API returns the field. */
export interface Output {
  /** The name in the API's output. Default: the name of the field. */
  name?: string;
  /** The type in the API's output. Default: the type of the field. */
  type?: FieldType;
  /** The description in the API's output. Default: the description of the field. */
  description?: string;
  /** Set when the API never returns `null` for the field. */
  required?: true;
  /** Reads the value from a subscription or, for an inner field, from the record. Default: the stored value. */
  read?(source: never): unknown;
}

/** An option of the command line that sets the field. The option of a record is given as `name=value`, once for each inner field. */
export interface CommandOption {
  /** For example `--max-tries <count>`. */
  flags: string;
  help: string;
  /** Whether the option can be repeated. The option of a list always can. */
  isRepeated?: true;
}

/** A subscription as it is saved, with its secrets. */
export interface Saved extends Pick<Subscription, 'name' | 'definition' | 'integrationId' | 'environmentIds'> {
  secrets: Secrets;
}

export interface MergeContext {
  /** The input of the save, with the given values of all fields. */
  input: Readonly<Record<string, unknown>>;
  /** The subscription before the save; `null` for a new one. */
  saved: Saved | null;
  settings: Settings;
}

export interface CheckContext {
  engine: Engine;
  tenant: string;
  /** The merged values of all fields, by name. */
  values: Readonly<Record<string, unknown>>;
}

export interface Field {
  /** The name in GraphQL, in YAML, after `--set` and in the audit log. */
  name: string;
  type: FieldType;
  /** Describes the field to an integrator who has read nothing else. describeField adds limits and default. */
  description: string;
  /** `false`: users can't set the field, because Hookgraph sets its value. */
  input?: false;
  /** `false`: the API never returns the field. */
  output?: Output | false;
  /** The value is a secret: it is stored encrypted, and never returned, logged or audited. */
  secret?: true;
  /** `false`: the field is not part of the definition, so that changing it creates no new version. */
  version?: false;
  /** The value that is saved when the given value is absent or `null`. */
  default?: Json;
  /** The field is a destination: it says where notifications go. Setting one destination removes the others. */
  destination?: true;
  option?: CommandOption;
  /** Replaces `option` when the command line builds the field's value from several options, or parses it from a text. */
  options?: readonly CommandOption[];
  file?: InFile;
  /**
   * Returns the value to save, which is then checked and stored. `given`: the value in the input; `undefined` when absent, `null` to clear.
   * Default: the given value, otherwise the saved value, merged as the field's type requires.
   */
  merge?(given: never, context: MergeContext): unknown;
  /** Checks a value that is not `null`, in addition to the limits of its type. */
  check?(value: never, context: CheckContext): Problem[] | Promise<Problem[]>;
  /** Returns what to store for a value that is not `null`. Default: the value, in the definition or the secrets, under the field's name. */
  store?(value: never, values: Readonly<Record<string, unknown>>): { definition?: Partial<Definition>; secrets?: Partial<Secrets> };
}

/** How subscriptions as code (YAML files) write the field to a file, and compare it with the API. Default: as its type requires. */
export interface InFile {
  /** The end of the name of the environment variable that holds the secret, e.g. `CLIENT_SECRET`. Default: the field's name. */
  variable?: string;
  /** The name of the output field that shows whether this secret is set, e.g. `hasSharedSecret`. Absent: the secret is always set. */
  shownBy?: string;
  /**
   * Returns the value for the file, given the parent object that the API returned. For a secret, write the result of `secret(end)`: a
   * reference to an environment variable whose name ends with `end`.
   */
  write?(parent: Readonly<Record<string, unknown>>, secret: (end: string) => unknown): unknown;
  /**
   * Converts an input value to the value that the API returns for it, e.g. without secrets, so that a file can be compared with the API.
   */
  asReturned?(given: never): unknown;
  /** Whether Hookgraph sets the field when the file doesn't. If so, a value that only the API has is no difference between file and API. */
  isFilledIn?: boolean | ((parent: Readonly<Record<string, unknown>>) => boolean);
}

/** Returns the field's description, followed by the limits of its type and its default. */
export function describeField({ description, type, default: usual }: Field): string {
  const limits = 'least' in type ? ` From ${type.least} to ${type.most}.` : '';
  const value = Array.isArray(usual) ? usual.join(', ') : usual;
  return `${description}${limits}${value == null || typeof value === 'object' || value === '' ? '' : ` Default: ${value}.`}`;
}
