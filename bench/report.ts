// Writes measured lines into RESULTS.md. Each line has its own section, which a later run of that line replaces.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Line, type Measured, median, round, type Verdict } from './frame.js';

const RESULTS = fileURLToPath(new URL('./RESULTS.md', import.meta.url));

export interface Circumstances {
  postgres: string;
  rounds: number;
  minutes: number;
  commit: string;
}

export function writeResults(keys: string[], line: Line, measured: Measured, about: Circumstances): void {
  const sections = new Map(existsSync(RESULTS) ? sectionsOf(readFileSync(RESULTS, 'utf8')) : []);
  sections.set(line.key, sectionOf(line, measured, about));
  const known = keys.flatMap((key) => sections.get(key) ?? []);
  writeFileSync(RESULTS, `${head()}\n${known.join('\n')}`);
}

const MARK = /^<!-- line: (\S+) -->$/m;

function sectionsOf(text: string): [string, string][] {
  const [, ...parts] = text.split(new RegExp(MARK, 'gm'));
  return Array.from({ length: parts.length / 2 }, (_, i) => [
    parts[2 * i] as string,
    `<!-- line: ${parts[2 * i]} -->${(parts[2 * i + 1] as string).trimEnd()}\n`,
  ]);
}

function head(): string {
  return `# What was measured

Written by \`npm run bench\`. [README.md](README.md) says how it measures and what bounds the results, [../docs/sizing.md](../docs/sizing.md) what one machine holds.
Each figure is the median over the rounds, with the least and the greatest in brackets. A ratio compares within a round. ✓ reached, ✗ not reached.
`;
}

function sectionOf({ key, title, method }: Line, { figures, verdicts, notes }: Measured, about: Circumstances): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return [
    `<!-- line: ${key} -->`,
    `## ${title}`,
    '',
    method,
    '',
    ...(verdicts.length === 0 ? [] : ['| must | median | rounds | |', '|---|---|---|---|', ...verdicts.map(barRow), '']),
    ...tableOf(figures),
    ...notes.flatMap((note) => [note, '']),
    `<sub>${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${about.commit}, ${about.rounds} rounds, ${round(about.minutes)} min; ${cpus().length} × ${model}, ${Math.round(totalmem() / 1e9)} GB, ${process.platform} ${release()}, Node ${process.versions.node}, Postgres ${about.postgres}</sub>`,
    '',
  ].join('\n');
}

export function barRow({ what, atLeast, atMost, always, rounds, median: middle, reached }: Verdict): string {
  const must = atLeast === undefined ? `≤ ${atMost}` : `≥ ${atLeast}`;
  return `| ${what}: ${must}${always ? ' in every round' : ''} | **${round(middle)}** | ${rounds.map(round).join(', ')} | ${reached ? '✓' : '✗'} |`;
}

function tableOf(figures: Measured['figures']): string[] {
  const variants = [...new Set(figures.map(({ variant }) => variant))];
  const metrics = [...new Set(figures.map(({ metric }) => metric))];
  const cell = (variant: string, metric: string) => {
    const found = figures.find((figure) => figure.variant === variant && figure.metric === metric);
    if (!found || found.rounds.some(Number.isNaN)) return '';
    return `${round(median(found.rounds))} (${round(Math.min(...found.rounds))}–${round(Math.max(...found.rounds))})`;
  };
  return [
    `| | ${metrics.join(' | ')} |`,
    `|---|${metrics.map(() => '---|').join('')}`,
    ...variants.map((variant) => `| ${variant} | ${metrics.map((metric) => cell(variant, metric)).join(' | ')} |`),
    '',
  ];
}
