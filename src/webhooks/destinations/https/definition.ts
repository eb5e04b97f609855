// Declares the settings of an HTTPS destination: its URL. Headers, authentication and signatures are fields of the subscription itself.
declare module '../../base/definition.js' {
  interface DestinationSettings {
    callbackUrl: string | null;
  }
  interface DestinationInputs {
    callbackUrl: string | null;
  }
}

export type HttpsSettings = string;
