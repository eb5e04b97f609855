// Declares the setting of an HTTPS destination: its URL. Headers, authentication and signatures are separate fields of the subscription.
declare module '../../base/definition.js' {
  interface DestinationSettings {
    callbackUrl: string | null;
  }
  interface DestinationInputs {
    callbackUrl: string | null;
  }
}

export type HttpsSettings = string;
