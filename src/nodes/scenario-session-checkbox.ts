// ScenarioSessionCheckbox: something to tick off in a session.
import { defineNode } from '../graphql/define-node.js';

export const scenarioSessionCheckbox = defineNode('ScenarioSessionCheckbox', { plural: 'scenarioSessionCheckboxes' });
