// Starts a real Prometheus with the alert rules of deploy/, whose durations are shortened so that alerts fire within a test.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './cli.js';
import { until } from './until.js';

export const ALERTS = new URL('../../deploy/prometheus/alerts.yaml', import.meta.url);

/** Whether Prometheus is installed, for example by `apt-get install prometheus` on Debian. */
export const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;

export interface Prometheus {
  /** Replaces the addresses (host:port) that are scraped. */
  scrape(addresses: string[]): Promise<void>;
  /** Resolves with the label sets of the alert when it fires. */
  fires(alert: string): Promise<Record<string, string>[]>;
  firing(): Promise<string[]>;
  /** The values of an instant query. */
  query(expression: string): Promise<{ metric: Record<string, string>; value: number }[]>;
  stop(): Promise<void>;
}

/**
 * Shortens the durations in the rules: `for`, ranges, and ages in seconds. The rules' metrics and conditions stay the
 * same.
 */
export function shorten(rules: string): string {
  return rules
    .replaceAll(/for: \d+m/g, 'for: 0s')
    .replaceAll(/\[\d+m\]/g, '[6s]')
    .replaceAll(/(_seconds(?:\{[^}]*\})?\)|_bucket\[6s\]\)\)\)) > \d{2,}/g, '$1 > 2');
}

export async function startPrometheus(): Promise<Prometheus> {
  const dir = await mkdtemp(join(tmpdir(), 'hookgraph-prometheus-'));
  const targets = join(dir, 'targets.json');
  const scrape = async (addresses: string[]) => writeFile(targets, JSON.stringify([{ targets: addresses }]));
  await scrape([]);
  await writeFile(join(dir, 'alerts.yaml'), shorten(await readFile(ALERTS, 'utf8')));
  await writeFile(
    join(dir, 'prometheus.yml'),
    `global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 500ms }
rule_files: [alerts.yaml]
scrape_configs:
  - job_name: hookgraph
    file_sd_configs: [{ files: [targets.json], refresh_interval: 500ms }]
`,
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    'prometheus',
    [`--config.file=${join(dir, 'prometheus.yml')}`, `--storage.tsdb.path=${join(dir, 'data')}`, `--web.listen-address=127.0.0.1:${port}`],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const ask = async (path: string) => {
    const response = await fetch(url + path);
    return ((await response.json()) as { data: unknown }).data;
  };
  await until('prometheus is ready', () =>
    fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    ),
  );
  const alerts = async () => {
    const { alerts } = (await ask('/api/v1/alerts')) as { alerts: { labels: Record<string, string>; state: string }[] };
    return alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels);
  };
  return {
    scrape,
    firing: async () => [...new Set((await alerts()).map(({ alertname }) => alertname as string))].sort(),
    fires: (alert) =>
      until(
        `the alert ${alert} fires`,
        async () => {
          const found = (await alerts()).filter(({ alertname }) => alertname === alert);
          return found.length > 0 ? found : null;
        },
        { everyMs: 100 },
      ),
    async query(expression) {
      const { result } = (await ask(`/api/v1/query?query=${encodeURIComponent(expression)}`)) as {
        result: { metric: Record<string, string>; value: [number, string] }[];
      };
      return result.map(({ metric, value }) => ({ metric, value: Number(value[1]) }));
    },
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(dir, { recursive: true, force: true });
    },
  };
}
