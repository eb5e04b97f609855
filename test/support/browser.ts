// Nothing in, a real browser out that npm installed: nothing from apt, nothing from the network.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** The package holds a Chromium for this platform alone. */
export const hasBrowser = process.platform === 'linux' && process.arch === 'x64';

export interface TestBrowser {
  browser: Browser;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<TestBrowser> {
  // The package unpacks into the folder for temporary files, and takes what lies there for complete: here it has one of its own.
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-browser-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = dir;
  try {
    const { default: packed } = await import('@sparticuz/chromium');
    const executablePath = await packed.executablePath();
    // Without the package's own flags: they switch off what a browser guards a user by.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
    return {
      browser,
      close: async () => {
        await browser.close();
        await rm(dir, { recursive: true, force: true });
      },
    };
  } finally {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  }
}
