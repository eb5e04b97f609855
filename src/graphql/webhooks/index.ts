// A builder in, everything about webhooks on it out. It knows no domain: whose request it is, the host says.
import type { ObjectRef } from '@pothos/core';
import type { Actor, Webhooks } from '../../webhooks/index.js';
import type { Builder, Types } from '../builder.js';
import type { Context } from '../context.js';
import type { UserError } from '../user-error.js';
import { createAccess } from './access.js';
import { addAudit } from './audit.js';
import { addDismissal } from './error.js';
import { addInput } from './input.js';
import { addGroups, type GroupType } from './integration.js';
import { addMutations } from './mutations.js';
import { addPresets } from './preset.js';
import { addQueries } from './queries.js';
import { addReplaying } from './replay.js';
import { addRotation } from './rotate-secret.js';
import { addSendAgain } from './send-again.js';
import { addSwitch } from './switch-group.js';
import { addTryOut } from './try-out.js';
import { addTypes } from './types.js';
import { addWhyNot } from './why-not.js';

export interface AddWebhooksOptions {
  webhooks: (ctx: Context) => Pick<Webhooks, 'engine'>;
  /** Null: nobody is signed in. */
  actor: (ctx: Context) => Actor | null;
  /** The typename of owners, which must implement Node. */
  ownerType: string;
  userError: ObjectRef<Types, UserError>;
  /** The type that groups subscriptions, where there is one: it gets the field `webhookSubscriptions`. */
  integration?: GroupType;
}

/** Answers the names of the mutations: what a host may leave to those who manage webhooks alone. */
export function addWebhooks(host: Builder, { webhooks, actor, ownerType, userError, integration }: AddWebhooksOptions): string[] {
  const mutations: string[] = [];
  const builder = noting(host, mutations);
  const access = createAccess((ctx) => webhooks(ctx).engine, actor);
  const types = addTypes(builder, { access, ownerType });
  addQueries(builder, access, types);
  const input = addInput(builder, types.enums);
  addMutations(builder, access, { types, userError, input });
  addTryOut(builder, access, { types, userError, input });
  addSendAgain(builder, access, { types, userError });
  addReplaying(builder, access, { replay: types.replay, userError });
  addWhyNot(builder, access, types);
  addPresets(builder, types.enums);
  addRotation(builder, access, { types, userError });
  addDismissal(builder, access, userError);
  if (integration) {
    addGroups(builder, access, { types, integration });
    addSwitch(builder, access, userError);
  }
  addAudit(builder, access, { types, ownerType });
  return mutations;
}

/** The same builder, whose mutations leave their names in the list. */
function noting(builder: Builder, names: string[]): Builder {
  const mutationField: Builder['mutationField'] = (name, field) => {
    names.push(name);
    builder.mutationField(name, field);
  };
  return new Proxy(builder, {
    get(target, key) {
      if (key === 'mutationField') return mutationField;
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
