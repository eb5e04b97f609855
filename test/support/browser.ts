// Starts a real browser that npm installed; needs nothing from apt or from the network.
import { type Browser, chromium } from 'playwright-core';

/** Whether the npm package @sparticuz/chromium has a browser for this platform. */
export const hasBrowser = process.platform === 'linux' && process.arch === 'x64';

/** Omits the package's own flags, because they disable security features of the browser. */
export const startBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
