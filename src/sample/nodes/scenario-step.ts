// Defines the node type ScenarioStep: one thing to do in a scenario.
import { defineNode } from '../graph/define-node.js';

export const scenarioStep = defineNode('ScenarioStep');
