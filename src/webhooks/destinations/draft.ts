// Declares a draft, the settings and secrets of a destination after the input was merged with the saved values. Splits a draft for storage.

/** The settings and secrets to save. A kind of destination extends this type by values that only its check of the input needs. */
export interface DestinationDraft<Settings = unknown> {
  settings: Settings;
  /** `undefined` when there are none. */
  secrets?: object | undefined;
}

/**
 * Returns a function that splits a draft into the definition and the secrets of a subscription. Both are keyed by `name`, the destination's
 * field.
 */
export const storeDraft =
  (name: string) =>
  ({ settings, secrets }: DestinationDraft): { definition: object; secrets?: object } => ({
    definition: { [name]: settings },
    ...(secrets && { secrets: { [name]: secrets } }),
  });
