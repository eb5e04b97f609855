// Requests resources that all files of a run share from the global set-up, which makes each at its first request.
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The URL at which the global set-up answers GET /empty, /migrated, /seeded and /browser. */
    sharedUrl: string;
  }
}

/** `empty`, `migrated`, `seeded`: Postgres' URL, when the template of that name is ready. `browser`: the path of the unpacked browser. */
export async function ofTheRun(name: 'empty' | 'migrated' | 'seeded' | 'browser'): Promise<string> {
  const response = await fetch(`${inject('sharedUrl')}/${name}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}
