// Starts a real browser that npm installed; needs nothing from apt or from the network.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

/** Whether the npm package @sparticuz/chromium has a browser for this platform. */
export const hasBrowser = process.platform === 'linux' && process.arch === 'x64';

export interface TestBrowser {
  browser: Browser;
  /** The folder with the unpacked browser, which `close` removes. */
  dir: string;
  close(): Promise<void>;
}

export async function startBrowser(): Promise<TestBrowser> {
  // The package unpacks into the temporary folder and reuses any files there, so each run gets its own folder.
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-browser-'));
  const before = process.env.TMPDIR;
  process.env.TMPDIR = dir;
  try {
    const { default: packed } = await import('@sparticuz/chromium');
    const executablePath = await packed.executablePath();
    // Omits the package's default flags, because they disable security features of the browser.
    const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
    return {
      browser,
      dir,
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
