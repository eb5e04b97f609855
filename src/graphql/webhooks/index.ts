// A builder in, everything about webhooks on it out. It knows no domain: whose request it is, the host says.
import type { ObjectRef } from '@pothos/core';
import type { Actor, Webhooks } from '../../webhooks/index.js';
import type { Builder, Types } from '../builder.js';
import type { Context } from '../context.js';
import type { UserError } from '../user-error.js';
import { createAccess } from './access.js';
import { addMutations } from './mutations.js';
import { addQueries } from './queries.js';
import { addTypes } from './types.js';

export interface AddWebhooksOptions {
  webhooks: (ctx: Context) => Pick<Webhooks, 'engine'>;
  /** Null: nobody is signed in. */
  actor: (ctx: Context) => Actor | null;
  /** The typename of owners, which must implement Node. */
  ownerType: string;
  userError: ObjectRef<Types, UserError>;
}

export function addWebhooks(builder: Builder, { webhooks, actor, ownerType, userError }: AddWebhooksOptions): void {
  const access = createAccess((ctx) => webhooks(ctx).engine, actor);
  const types = addTypes(builder, { access, ownerType });
  addQueries(builder, access, types);
  addMutations(builder, access, { types, userError });
}
