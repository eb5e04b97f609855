// A builder in, everything about webhooks on it out. It knows no domain: whose request it is, the host says.
import type { ObjectRef } from '@pothos/core';
import type { Builder, Types } from '../sample/graph/builder.js';
import type { Context } from '../sample/graph/context.js';
import type { UserError } from '../sample/graph/user-error.js';
import type { Actor, Webhooks } from '../webhooks/index.js';
import { createAccess } from './access.js';
import { addSendAgain } from './mutations/resend.js';
import { addRotation } from './mutations/rotate-secret.js';
import { addMutations } from './mutations/save.js';
import { addSwitch } from './mutations/switch-group.js';
import { addTryOut } from './mutations/try-out.js';
import { addQueries } from './queries/lists.js';
import { addWhyNot } from './queries/why-not.js';
import { addAudit } from './types/audit.js';
import { addDismissal } from './types/error.js';
import { addTypes } from './types/index.js';
import { addInput } from './types/input.js';
import { addGroups, type GroupType } from './types/integration.js';
import { addPresets } from './types/preset.js';
import { addReplaying } from './types/replay.js';

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
