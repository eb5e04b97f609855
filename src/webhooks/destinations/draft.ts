// Declares a destination's settings after merging the input with the saved values, and splits them for storage.

/** The settings and secrets to save. A kind of destination extends this type by values that only its check needs. */
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
