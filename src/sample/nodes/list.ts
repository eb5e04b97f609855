// Lists the node types of the sample product. To add a node type, add a line here.
export { attachment } from './attachment.js';
export { call } from './call.js';
export { callRecording } from './call-recording.js';
export { environment } from './environment.js';
export { group } from './group.js';
export { integration } from './integration.js';
export { organization } from './organization.js';
export { scenario } from './scenario.js';
export { scenarioRelease } from './scenario-release.js';
export { scenarioSession } from './scenario-session.js';
export { scenarioSessionCheckbox } from './scenario-session-checkbox.js';
export { scenarioSessionEvent } from './scenario-session-event.js';
export { scenarioSessionPart } from './scenario-session-part.js';
export { scenarioSessionStep } from './scenario-session-step.js';
export { scenarioStep } from './scenario-step.js';
export { user } from './user.js';
