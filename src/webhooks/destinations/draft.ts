// Declares the result of merging a destination's input with the saved settings, and stores that result.

/** The settings to save, with their secrets. A kind of destination adds what only its check needs. */
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
