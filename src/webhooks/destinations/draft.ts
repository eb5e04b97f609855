// Declares what a save makes of a destination's input, and stores it.

/** The settings that a save would store, with their secrets; a kind adds what only its check needs. */
export interface DestinationDraft<Settings = unknown> {
  settings: Settings;
  /** `undefined` when there are none. */
  secrets?: object | undefined;
}

/** Stores settings in the definition, and secrets among the secrets, both under the name of the destination's field. */
export const storeDraft =
  (name: string) =>
  ({ settings, secrets }: DestinationDraft): { definition: object; secrets?: object } => ({
    definition: { [name]: settings },
    ...(secrets && { secrets: { [name]: secrets } }),
  });
