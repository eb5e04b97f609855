import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSimulation } from '../../src/sample/index.js';
import { type TestApp, testApp } from '../support/app.js';

let t: TestApp;
beforeAll(async () => {
  t = await testApp({}, { sampleData: true });
});
afterAll(() => t.close());

describe('a simulated customer', () => {
  it('does all that a living one does, and no write is refused', async () => {
    const ask = async (query: string, variables: Record<string, unknown> = {}) => {
      const answer = await t.ask(query, variables);
      expect(answer.errors).toBeUndefined();
      return answer.data;
    };
    const simulation = createSimulation({ ask, seed: 7 });
    const told: string[] = [];
    for (let count = 0; count < 200; count++) told.push(await simulation.act());
    for (const words of [
      'started a session',
      'began “',
      'did “',
      'noted “',
      'took a photo',
      'paused',
      'resumed',
      'completed',
      'hired',
      'made somebody',
      'began a call',
      'ended a call',
    ])
      expect(
        told.some((line) => line.startsWith(words)),
        words,
      ).toBe(true);
    const { rows } = await t.database.pool.query(`SELECT DISTINCT typename || ' ' || operation AS what FROM hookgraph.recorded`);
    expect(rows.map(({ what }) => what)).toEqual(
      expect.arrayContaining([
        'ScenarioSession created',
        'ScenarioSession updated',
        'ScenarioSessionEvent created',
        'User updated',
        'CallRecording updated',
      ]),
    );
    const sessions = await t.database.pool.query(
      `SELECT state, count(*)::int FROM scenario_sessions WHERE created_at > now() - interval '1 hour' AND session_type = 'training' GROUP BY 1`,
    );
    expect(sessions.rows.length).toBeGreaterThan(1);
  });

  it('goes on with another session when one was deleted', async () => {
    const simulation = createSimulation({ ask: async (query, variables) => (await t.ask(query, variables)).data, seed: 8 });
    for (let count = 0; count < 15; count++) await simulation.act();
    await t.database.pool.query('DELETE FROM scenario_sessions');
    const told: string[] = [];
    for (let count = 0; count < 60; count++) told.push(await simulation.act().catch((error: Error) => `failed: ${error.message}`));
    expect(told.filter((line) => line.startsWith('failed'))).not.toEqual([]);
    expect(told.slice(-15).filter((line) => line.startsWith('failed'))).toEqual([]);
  });
});
