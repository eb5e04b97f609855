// Tests that the dashboard and the alert rules ask for metrics and labels that exist, and that each alert says what to do.
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Declaration, METRICS } from '../../src/runtime/metrics/declarations.js';
import { createMetrics } from '../../src/runtime/metrics/metrics.js';
import { ALERTS, hasPrometheus, shorten } from '../support/prometheus.js';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
const dashboard = JSON.parse(await read('deploy/grafana/hookgraph.json'));
const rules: { alert: string; expr: string; for?: string; annotations: Record<string, string>; labels: { severity: string } }[] = parse(
  await readFile(ALERTS, 'utf8'),
).groups.flatMap(({ rules }: { rules: unknown[] }) => rules);

const panels: { title: string; targets?: { expr: string }[] }[] = dashboard.panels;
const queries: [string, string][] = [
  ...panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }): [string, string] => [title, expr])),
  ...rules.map(({ alert, expr }): [string, string] => [alert, expr]),
];
const ofProcess = (await createMetrics().write([], { process: true })).body.matchAll(/^# TYPE (\S+)/gm);
const known = new Map<string, readonly string[]>([
  ...[...ofProcess].map(([, name]) => [name as string, []] as const),
  ...Object.entries(METRICS as Record<string, Declaration>).map(([name, { labels }]) => [name, labels] as const),
  ['up', []],
]);

/** A histogram's series have suffixes. */
const nameOf = (series: string) => (known.has(series) ? series : series.replace(/_(bucket|count|sum)$/, ''));

describe.each(queries)('%s: %s', (_title, query) => {
  const selectors = [...query.matchAll(/\b(hookgraph_\w+|nodejs_\w+|process_\w+|up(?=\{))(?:\{([^}]*)\})?/g)];

  it('asks for metrics that exist, by labels that they have', () => {
    expect(selectors.length).toBeGreaterThan(0);
    for (const [, series, matchers = ''] of selectors) {
      const name = nameOf(series as string);
      expect(known.has(name), series).toBe(true);
      const labels = [...matchers.matchAll(/(\w+)\s*[=!]/g)].map(([, label]) => label);
      const allowed = [...(known.get(name) ?? []), 'instance', 'job'];
      for (const label of labels) expect(allowed, `${label} of ${series}`).toContain(label);
    }
  });

  it('groups by labels that the metrics have', () => {
    const grouped = [...query.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list]) => (list as string).split(/,\s*/));
    const labels = selectors.flatMap(([, series]) => known.get(nameOf(series as string)) ?? []);
    for (const label of grouped) expect([...labels, 'instance', 'job', 'le']).toContain(label);
  });

  it('takes rates of counters alone, and of all counters', () => {
    for (const [, series] of selectors) {
      const { type } = (METRICS as Record<string, Declaration>)[nameOf(series as string)] ?? {};
      if (type === undefined) continue;
      const isRate = new RegExp(`(rate|increase)\\(${series}\\b`).test(query);
      expect(isRate, series).toBe(type !== 'gauge');
    }
  });
});

it('shows every metric on the dashboard', () => {
  const shown = new Set(queries.flatMap(([, query]) => [...query.matchAll(/hookgraph_\w+/g)].map(([series]) => nameOf(series))));
  expect(Object.keys(METRICS).filter((name) => !shown.has(name))).toEqual([]);
});

it('has a panel id and a place of its own for each panel', () => {
  const ids = dashboard.panels.map(({ id }: { id: number }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

it.each(rules)('$alert says what happens and what to do, and has a runbook', async ({ alert, annotations, labels }) => {
  expect(annotations.summary?.length).toBeGreaterThan(10);
  expect(annotations.description?.split(' ').length).toBeGreaterThan(15);
  expect(['critical', 'warning', 'info']).toContain(labels.severity);
  const [page, section] = annotations.runbook_url?.split('#') ?? [];
  expect([page, section]).toEqual(['docs/runbooks.md', alert.toLowerCase()]);
  const runbook = (await read('docs/runbooks.md')).split(/^##+ /m).find((text) => text.startsWith(`${alert}\n`));
  expect(runbook?.split(' ').length).toBeGreaterThan(30);
  for (const part of ['**Means.**', '**Do.**']) expect(runbook).toContain(part);
  expect(await read('test/journeys/operators-are-warned.test.ts')).toContain(`fires('${alert}')`);
});

it('has a runbook for alerts that exist alone', async () => {
  const named = [...(await read('docs/runbooks.md')).matchAll(/^### (Hookgraph\w+)$/gm)].map(([, name]) => name);
  expect(named.sort()).toEqual(rules.map(({ alert }) => alert).sort());
});

it('shortens every wait of the rules for the journey', async () => {
  const shortened = parse(shorten(await readFile(ALERTS, 'utf8'))).groups[0].rules as typeof rules;
  for (const rule of shortened) {
    expect(rule.for ?? '0s').toBe('0s');
    expect(rule.expr).not.toMatch(/\[\d+m\]|> \d{2,}/);
  }
});

it.skipIf(!hasPrometheus)('is accepted by promtool (skipped without prometheus)', () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', fileURLToPath(ALERTS)], { encoding: 'utf8' });
  expect(status, stdout + stderr).toBe(0);
});
