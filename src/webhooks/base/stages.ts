// Describes the stages of an attempt once, in the order in which they run. The engine's stages.ts runs them.

/** The stages as tests, previews and the reference show them. The descriptions are those of the GraphQL enum WebhookReportStage. */
export const REPORT_STAGES = {
  QUERY: {
    takes: 'the node',
    gives: 'the data of the payload',
    description: 'The stored query runs as its owner; without one the default payload is made.',
  },
  VALIDATION: {
    takes: 'the data',
    gives: '`true` or `false`',
    description: 'The validation template says whether to send. A test and a preview go on whatever it says.',
  },
  TEMPLATE: {
    takes: 'the data',
    gives: 'the body',
    description: 'The template writes the body; without one it is the payload itself.',
  },
  AUTH: {
    takes: 'the credentials',
    gives: 'the value of `Authorization`',
    description: 'We make ourselves known to the receiver; with OAuth 2.0, the token endpoint gives the token.',
  },
  SEND: { takes: 'the signed request', gives: 'the response', description: 'The request goes to the receiver.' },
  ERROR_TEMPLATE: {
    takes: 'the response',
    gives: 'the text of an error, or nothing',
    description: "The error template reads the receiver's answer.",
  },
} as const;
export type ReportStage = keyof typeof REPORT_STAGES;

/** The stages at which an attempt can end, each with the stage that reports it. The descriptions are those of the enum WebhookStage. */
export const STAGES = {
  QUERY: { report: 'QUERY', description: 'Running the stored query.' },
  VALIDATION: { report: 'VALIDATION', description: 'Rendering the validation template.' },
  TEMPLATE: { report: 'TEMPLATE', description: 'Rendering the body template.' },
  AUTH: {
    report: 'AUTH',
    description:
      'Getting an access token: the token endpoint issued none. The receiver was not called, or had rejected the previous token.',
  },
  ADDRESS: { report: 'SEND', description: 'Checking the address of the receiver, which must be one that deliveries may reach.' },
  CONNECT: { report: 'SEND', description: 'Connecting to the receiver.' },
  TIMEOUT: { report: 'SEND', description: 'Waiting for the response: the time limit was exceeded.' },
  STATUS: { report: 'SEND', description: "Checking the status of the receiver's response." },
  ERROR_TEMPLATE: {
    report: 'ERROR_TEMPLATE',
    description: 'Rendering the error template, which found an error in the response.',
  },
} as const satisfies Record<string, { report: ReportStage; description: string }>;
export type Stage = keyof typeof STAGES;

export const REPORT_ORDER = Object.keys(REPORT_STAGES) as ReportStage[];
