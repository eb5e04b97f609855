// How V8 treats the heap of a process through which much passes that doesn't live long.
import { setFlagsFromString } from 'node:v8';

/**
 * No place in the code makes its objects among the old ones. V8 lets one do so, for good, once nearly all that it made outlived a
 * collection, as deliveries in flight may: each then keeps whatever it points to, dead or not, until the next full collection, and
 * every collection of the young ones copies that. It was 2.5 KB a delivery, 8 of a worker's 75 µs, in some runs and not in others.
 * V8 asks for this flag when it collects, so it may be said while the program runs: `PretenuringHandler::ProcessPretenuringFeedback`.
 */
export function keepYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
