// Asks the global set-up for what all files of a run share, which it makes when somebody first asks.
import { inject } from 'vitest';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the global set-up answers GET /empty, /migrated, /seeded and /browser. */
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
