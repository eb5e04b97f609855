// Describes the stages of an attempt, in the order in which src/webhooks/stages.ts runs them, for the API, the reference and reports.

/** The stages as tests, previews and the reference show them. The descriptions are those of the GraphQL enum WebhookReportStage. */
export const REPORT_STAGES = {
  QUERY: {
    takes: 'the node',
    gives: 'the data of the payload',
    description: 'Runs the stored query as the owner of the subscription; without a query, makes the default payload.',
  },
  VALIDATION: {
    takes: 'the data',
    gives: '`true` or `false`',
    description: 'Renders the validation template, which decides whether to send. Tests and previews continue in any case.',
  },
  TEMPLATE: {
    takes: 'the data',
    gives: 'the body',
    description: 'Renders the template of the body; without a template, the body is the payload.',
  },
  AUTH: {
    takes: 'the credentials',
    gives: 'the value of `Authorization`',
    description: 'Adds the authentication for the receiver; with OAuth 2.0, fetches a token from the token endpoint.',
  },
  SEND: { takes: 'the signed request', gives: 'the response', description: 'Sends the request to the receiver.' },
  ERROR_TEMPLATE: {
    takes: 'the response',
    gives: 'the text of an error, or nothing',
    description: "Renders the error template with the receiver's response; any rendered text is an error.",
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
      'Fetching an access token, which the token endpoint did not issue. The receiver was not called, or rejected an older token.',
  },
  ADDRESS: { report: 'SEND', description: 'Checking whether deliveries may reach the address of the receiver.' },
  CONNECT: { report: 'SEND', description: 'Connecting to the receiver.' },
  TIMEOUT: { report: 'SEND', description: 'Waiting for the response: the time limit was exceeded.' },
  ANSWER: {
    report: 'SEND',
    description: "Reading the receiver's response: it is not valid HTTP, is too large, ended too early, or is not that of the AWS service.",
  },
  STATUS: { report: 'SEND', description: "Checking the status of the receiver's response." },
  ERROR_TEMPLATE: {
    report: 'ERROR_TEMPLATE',
    description:
      'Rendering the error template: it rendered a text, which means that the response reports an error, or it could not read the response.',
  },
} as const satisfies Record<string, { report: ReportStage; description: string }>;
export type Stage = keyof typeof STAGES;

export const REPORT_ORDER = Object.keys(REPORT_STAGES) as ReportStage[];

/** Lists the stages in order, for docs/reference.md. `endings` are the values of WebhookStage for a failure in this stage. */
export const describeStages = () =>
  REPORT_ORDER.map((name) => ({
    name,
    ...REPORT_STAGES[name],
    endings: Object.entries(STAGES).flatMap(([ending, { report }]) => (report === name ? [ending] : [])),
  }));
