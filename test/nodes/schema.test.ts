import { isEnumType, isInputObjectType, isInterfaceType, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { nodes, schema } from '../../src/nodes/index.js';

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
  const session = nodes.find(({ typename }) => typename === 'ScenarioSession');

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
    expect(nodes.map(({ typename }) => typename)).toEqual(['Organization', 'User', 'Group', 'Scenario', 'ScenarioSession']);
  });
});
