// Answers the readiness probe `/readyz`.
import { readiness, readinessAnswer } from '../webhooks/index.js';
import { type Answer, json } from './answer.js';
import type { App } from './app.js';

export async function checkReadiness({ webhooks }: App): Promise<Answer> {
  const { status, body } = readinessAnswer(await readiness(webhooks.engine));
  return json(status, body);
}
