// Defines the node type ScenarioSessionCheckbox: something to tick off in a session.
import { defineNode } from '../graph/define-node.js';

export const scenarioSessionCheckbox = defineNode('ScenarioSessionCheckbox', { plural: 'scenarioSessionCheckboxes' });
