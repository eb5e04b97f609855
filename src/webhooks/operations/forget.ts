// Starts to forget a node: workers then blank all stored contents about it, in steps.
import type { Engine } from '../base/engine.js';
import type { Problem } from '../base/errors.js';
import type { Actor } from '../base/model.js';
import { type Forgetting, startForgetting } from '../base/store/forgettings.js';
import { NOT_ALLOWED } from './save.js';

export interface Forgotten {
  problems: Problem[];
  forgetting: Forgetting | null;
}

/** @param nodeId the global id of a node, which may be deleted */
export async function forgetNode(engine: Engine, actor: Actor, nodeId: string): Promise<Forgotten> {
  if (!actor.canManageWebhooks) return { problems: [NOT_ALLOWED], forgetting: null };
  const node = engine.host.fromGlobalId(nodeId);
  const forgetting = node && (await startForgetting(engine.pool, actor, node));
  if (!forgetting)
    return {
      problems: [
        { field: 'nodeId', message: 'is not the id of a node of your organization about which an event is stored', type: 'NOT_FOUND' },
      ],
      forgetting: null,
    };
  return { problems: [], forgetting };
}
