// Builds an example of a topic's default payload from the newest node that the user may read.
import { parseJson } from '../../runtime/exact-json.mjs';
import type { Engine } from '../base/engine.js';
import type { Actor, Topic } from '../base/model.js';
import { linkTo } from '../payload/find-data.js';
import { findLastNode } from './find-node.js';
import { previewSubscription } from './preview.js';

/** A receiver that is never called, for the definition of the example. */
const NO_RECEIVER = 'https://receiver.invalid/';

/** Returns the default payload for the newest node of the topic's type, with the user's rights; `null` when the user may read none. */
export async function examplePayload(engine: Engine, actor: Actor, topic: Topic): Promise<unknown> {
  const { host } = engine;
  if (host.defaultPayload === 'ROW') {
    const asked = { topic: { id: topic.id }, callbackUrl: NO_RECEIVER };
    const { report } = await previewSubscription(engine, actor, { id: null, input: asked, nodeId: null });
    const body = report?.stages.find(({ stage }) => stage === 'TEMPLATE')?.output;
    return typeof body === 'string' ? parseJson(body) : null;
  }
  const found = await findLastNode(engine, actor, topic);
  if ('problem' in found) return null;
  const { typename, nodeKey } = found.node;
  return { data: linkTo(engine, host.toGlobalId(typename, nodeKey)) };
}
