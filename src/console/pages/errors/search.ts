// The search parameters of the lists of errors.
import type { STAGES } from '../history/words';

export interface ErrorsSearch {
  webhook?: string | undefined;
  stage?: (typeof STAGES)[number] | undefined;
  /** The cursor after which the page begins. */
  after?: string | undefined;
}
