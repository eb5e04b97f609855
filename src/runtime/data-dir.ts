// Makes the data folder.
import { access, constants, mkdir } from 'node:fs/promises';
import { RuntimeError } from './runtime-error.js';

/** Creates the folder if it is missing. @throws RuntimeError `DATA_DIR_UNUSABLE` when it can't be created or written */
export async function makeDataDir(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o755 });
    await access(dir, constants.W_OK);
  } catch (cause) {
    throw new RuntimeError(
      'DATA_DIR_UNUSABLE',
      `The data folder ${dir} can't be written (${(cause as NodeJS.ErrnoException).code})`,
      'Set HOOKGRAPH_DATA_DIR to a folder that this user may write.',
      { cause },
    );
  }
}
