// ScenarioStep: one thing to do in a scenario.
import { defineNode } from '../graphql/define-node.js';

export const scenarioStep = defineNode('ScenarioStep');
