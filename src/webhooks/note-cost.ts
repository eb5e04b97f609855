// Tells the drain what a delivery cost, by which it spaces costly ones.
import type { Hold } from './bytes-in-flight.js';
import type { PayloadSources } from './payload/find-data.js';
import type { Claiming } from './put-back.js';
import { lengthOf } from './send-delivery.js';
import type { Ended } from './stages.js';

/** Notes the query and the body once: before the request, or when the attempt ends before. */
export function noteCost(
  drain: Pick<Claiming, 'noteCost' | 'noteAnswer'>,
  subscriptionId: string,
  { sources, hold }: { sources: () => PayloadSources; hold: Hold },
) {
  let [queryMs, isNoted] = [0, false];
  const note = (characters: number) => {
    if (!isNoted) drain.noteCost(subscriptionId, { queryMs, characters });
    isNoted = true;
  };
  return {
    sources: (): PayloadSources => ({
      ...sources(),
      onQuery(ms: number) {
        queryMs += ms;
      },
    }),
    onBody(length: number) {
      note(length);
      hold.resize(length);
    },
    /** Must be called when the attempt has ended without an error. */
    end(ended: Ended | null) {
      note(0);
      if (ended?.answer?.kind === 'REPLY') drain.noteAnswer(subscriptionId, lengthOf(ended.answer));
    },
  };
}
