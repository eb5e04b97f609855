// Declares what the form offers to choose from. The API leaves out what the host doesn't have.
import type { Topic } from './topics';

export interface Preset {
  key: string;
  name: string;
  description: string;
  contentType: 'JSON' | 'XML' | null;
  signatures: readonly string[] | null;
  template: string | null;
}

/** The offer of the installation for a kind of destination. */
export interface DestinationOffer {
  /** The field of the subscription's input that sets this destination, such as `sqs`. */
  field: string;
  managed: boolean;
  accounts: readonly string[];
}

export interface FormChoices {
  topics: readonly Topic[];
  webhookDestinations: readonly DestinationOffer[];
  webhookIntegrations?: readonly { id: string; label: string }[] | null;
  webhookEnvironments?: readonly { id: string; label: string }[] | null;
  webhookPresets?: readonly Preset[] | null;
}
