// Sets a V8 flag that suits processes with many short-lived objects.
import { setFlagsFromString } from 'node:v8';

/**
 * Turns off allocation-site pretenuring, with which V8 may allocate all objects of a busy code path in the old generation.
 * Dead objects there keep other objects alive until the next full collection. V8 reads the flag at each collection
 * (`PretenuringHandler::ProcessPretenuringFeedback`), so it may be set while the process runs.
 */
export function keepYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
