import { isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnnouncedNode } from '../../src/webhooks/index.js';
import { type TestApp, testApp } from '../support/app.js';
import { schema } from '../support/sample.js';

describe('the printed schema', () => {
  it('describes every type, field, argument and enum value', () => {
    const bare: string[] = [];
    for (const type of Object.values(schema.getTypeMap())) {
      if (type.name.startsWith('__')) continue;
      if (!type.description) bare.push(type.name);
      if (isObjectType(type) || isInterfaceType(type) || isInputObjectType(type))
        for (const field of Object.values(type.getFields())) {
          if (!field.description) bare.push(`${type.name}.${field.name}`);
          if ('args' in field) for (const arg of field.args) if (!arg.description) bare.push(`${type.name}.${field.name}(${arg.name})`);
        }
      if (isEnumType(type)) for (const value of type.getValues()) if (!value.description) bare.push(`${type.name}.${value.name}`);
    }
    expect(bare).toEqual([]);
  });
});

describe('what the engine is told of the domain', () => {
  let t: TestApp;
  let nodes: AnnouncedNode[];
  let session: AnnouncedNode | undefined;
  beforeAll(async () => {
    t = await testApp();
    nodes = t.app.webhooks.engine.host.nodes;
    session = nodes.find(({ typename }) => typename === 'ScenarioSession');
  });
  afterAll(() => t.close());

  it('names tables, keys and columns, and calls a foreign key by its relation', () => {
    expect(session).toMatchObject({
      table: { schema: 'public', name: 'scenario_sessions' },
      key: ['id'],
      tenant: { column: 'organization_id' },
      environment: { column: 'environment_id' },
      updatedAt: 'updated_at',
    });
    expect(session?.columns).toMatchObject({ scenario_id: 'scenario', created_by_id: 'createdBy', external_data: 'externalData' });
  });

  it('has the lifecycle of a session by its columns', () => {
    expect(session?.lifecycle?.map(({ topic, column, from, to }) => [topic, column, from, to])).toEqual([
      ['scenario_session/paused', 'state', undefined, 'PAUSED'],
      ['scenario_session/resumed', 'state', 'PAUSED', 'STARTED'],
      ['scenario_session/completed', 'state', undefined, 'COMPLETED'],
    ]);
  });

  it('makes an organization its own tenant, and API tokens no node', () => {
    expect(nodes.find(({ typename }) => typename === 'Organization')?.tenant).toEqual({ column: 'id' });
    expect(nodes.map(({ typename }) => typename).sort()).toEqual([
      'Attachment',
      'Call',
      'CallRecording',
      'Environment',
      'Group',
      'Integration',
      'Organization',
      'Scenario',
      'ScenarioRelease',
      'ScenarioSession',
      'ScenarioSessionCheckbox',
      'ScenarioSessionEvent',
      'ScenarioSessionPart',
      'ScenarioSessionStep',
      'ScenarioStep',
      'User',
    ]);
  });

  it('has the other lifecycles as well, and only three environments', () => {
    const topics = nodes.flatMap(({ typename, lifecycle = [] }) =>
      typename === 'ScenarioSession' ? [] : lifecycle.map(({ topic }) => topic),
    );
    expect(topics.sort()).toEqual([
      'call/completed',
      'call_recording/completed',
      'scenario_session_part/completed',
      'scenario_session_step/completed',
    ]);
    expect(
      nodes
        .filter(({ environment }) => environment)
        .map(({ typename }) => typename)
        .sort(),
    ).toEqual(['Call', 'Scenario', 'ScenarioSession']);
    for (const { typename, tenant } of nodes)
      expect(tenant, typename).toEqual({ column: typename === 'Organization' ? 'id' : 'organization_id' });
  });
});
