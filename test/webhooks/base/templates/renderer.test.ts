import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createRenderer, type Renderer } from '../../../../src/webhooks/base/templates/renderer.js';
import type { StepResult } from '../../../../src/webhooks/base/templates/rendering.mjs';
import { HARMLESS, HOSTILE_DATA, STOPPED } from './hostile-templates.js';

const renderers: Renderer[] = [];
const open = (options = {}): Renderer => {
  const renderer = createRenderer({ fastProcesses: 1, ...options });
  renderers.push(renderer);
  return renderer;
};
afterEach(() => vi.unstubAllEnvs());
afterAll(() => Promise.all(renderers.map((renderer) => renderer.close())));

const BOMB = '{% assign a = "x,x" | split: "," %}{% for i in (1..60) %}{% assign a = a | push: a %}{% endfor %}{{ a | join }}';
const ask = (renderer: Renderer, source: string, data: object = {}, payer = { tenant: 'org', key: 'sub', isTrial: false }) =>
  renderer.render(payer, { data: JSON.stringify(data) }, [{ source, style: 'none', ask: 'text' }]);
const textOf = ([result]: StepResult[]) => (result && 'text' in result ? result.text : result);

describe('hostile templates', () => {
  const renderer = open();
  const trial = { tenant: 'hostile', key: 'hostile', isTrial: true };

  it.each(STOPPED)('%s: stopped within the limit, in words, while this process goes on', async (_name, source) => {
    let goesOn = false;
    const rendering = ask(renderer, source, { data: HOSTILE_DATA }, trial);
    setImmediate(() => {
      goesOn = true;
    });
    const [result] = await rendering;
    expect(result).toMatchObject({ fault: expect.stringMatching(/^(limit|syntax|render)$/) });
    expect((result as { message: string }).message).toMatch(
      /limit exceeded|nested too deeply|not closed|not found|undefined filter|[Ii]nvalid|unexpected|expected/,
    );
    expect(goesOn).toBe(true);
  });

  it.each(HARMLESS)('%s: finds nothing', async (_name, source, rendered) => {
    expect(textOf(await ask(renderer, source, { data: HOSTILE_DATA }, trial))).toBe(rendered);
  });
});

describe('a process that renders', () => {
  it('fails the one that died in it, at its step, and renders again what was there beside it', async () => {
    const renderer = open();
    const ordinary = (i: number) => ask(renderer, 'hello {{ i }}', { i }, { tenant: `org${i}`, key: `sub${i}`, isTrial: false });
    const [hostile, ...others] = await Promise.all([
      renderer.render({ tenant: 'org', key: 'sub' }, { data: '{}' }, [
        { source: 'true', style: 'none', ask: 'gate' },
        { source: BOMB, style: 'json', ask: 'json' },
      ]),
      ...Array.from({ length: 20 }, (_, i) => ordinary(i)),
    ]);
    expect(hostile).toMatchObject([{ text: 'true' }, { fault: 'limit', message: expect.stringContaining('render limit exceeded') }]);
    expect(others.map(textOf)).toEqual(Array.from({ length: 20 }, (_, i) => `hello ${i}`));
  });

  it('is charged for what it computed: a machine that was paused fails nobody', async () => {
    const before = processes();
    const renderer = open();
    await ask(renderer, 'warm');
    const [pid] = processes().filter((one) => !before.includes(one));
    process.kill(pid as number, 'SIGSTOP');
    const rendered = ask(renderer, '{% for i in (1..2000) %}{{ i }}{% endfor %}');
    await new Promise((resolve) => setTimeout(resolve, 300));
    process.kill(pid as number, 'SIGCONT');
    expect(textOf(await rendered)).toContain('1999');
  });

  it('that somebody else ends costs nothing but time', async () => {
    const before = processes();
    const renderer = open();
    await ask(renderer, 'warm');
    const [pid] = processes().filter((one) => !before.includes(one));
    process.kill(pid as number, 'SIGSTOP');
    const rendered = Promise.all(Array.from({ length: 10 }, (_, i) => ask(renderer, '{{ i }}', { i })));
    process.kill(pid as number, 'SIGKILL');
    expect((await rendered).map(textOf)).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
  });

  it('knows nothing of our environment, and nothing of the rendering before', async () => {
    vi.stubEnv('PLANTED', 'secret');
    const before = processes();
    const renderer = open();
    expect(textOf(await ask(renderer, '{% assign a = 1 %}{% increment n %}{% capture c %}c{% endcapture %}{% cycle "x", "y" %}'))).toBe(
      '0x',
    );
    expect(textOf(await ask(renderer, '{{ a }}{{ c }}{% increment n %}{% cycle "x", "y" %}'))).toBe('0x');
    const [pid] = processes().filter((one) => !before.includes(one));
    expect(readFileSync(`/proc/${pid}/environ`, 'utf8')).not.toContain('secret');
  });

  it('ends with the renderer, which renders no more', async () => {
    const before = processes();
    const renderer = open();
    await ask(renderer, 'x');
    const waiting = Promise.allSettled(Array.from({ length: 50 }, () => ask(renderer, BOMB)));
    await renderer.close();
    expect(processes().filter((one) => !before.includes(one))).toEqual([]);
    for (const one of await waiting) expect(one).toMatchObject({ status: 'rejected', reason: { message: 'the renderer is closed' } });
    await expect(ask(renderer, 'x')).rejects.toThrow('closed');
  });
});

describe('one who takes long', () => {
  it('waits for its turn beside the others, and gives up after a while', async () => {
    const renderer = open({ slowWithinMs: 8000 });
    const slow = { tenant: 'slow', key: 'slow', isTrial: false };
    await ask(renderer, BOMB, {}, slow);
    const bombs = Promise.all(Array.from({ length: 200 }, () => ask(renderer, BOMB, {}, slow)));
    // Renders and a trial of other tenants finish before the 200 slow renders.
    const ordinary = await Promise.all(
      Array.from({ length: 50 }, () => ask(renderer, 'ok', {}, { tenant: 'org', key: 'sub', isTrial: false })),
    );
    expect(ordinary.map(textOf)).toEqual(Array(50).fill('ok'));
    expect(textOf(await ask(renderer, 'ok', {}, { tenant: 'new', key: 'trial', isTrial: true }))).toBe('ok');
    const faults = (await bombs).map(([result]) => (result && 'fault' in result ? result.fault : null));
    expect(new Set(faults)).toEqual(new Set(['limit', 'busy']));
  });

  it('keeps a delivery waiting for a short time only, and a person who saves until the process is free', async () => {
    const renderer = open({ slowWithinMs: 10, trialWithinMs: 120_000 });
    const slow = { tenant: 'slow', key: 'slow', isTrial: false };
    await ask(renderer, BOMB, {}, slow);
    const trial = (tenant: string) => ({ tenant, key: 'trial', isTrial: true });
    const [, delivery, saved] = await Promise.all([
      ask(renderer, BOMB, {}, trial('first')),
      ask(renderer, 'ok', {}, slow),
      ask(renderer, 'ok', {}, trial('new')),
    ]);
    expect(delivery).toMatchObject([{ fault: 'busy' }]);
    expect(textOf(saved)).toBe('ok');
  });
});

/** The living render processes that this process started. */
function processes(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, parent] = /\) [^Z] (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return Number(parent) === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('render-process');
      } catch {
        return false;
      }
    })
    .map(Number);
}
