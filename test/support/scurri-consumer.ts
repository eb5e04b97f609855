// Starts a Scurri customer's consumer of a queue, in the given language, and collects the events that it handles.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

const PROGRAMS = {
  node: { command: process.execPath, script: 'scurri-consumer.mjs', needs: ['--version'] },
  python3: { command: 'python3', script: 'scurri-consumer.py', needs: ['-c', 'import boto3'] },
};
type Consuming = keyof typeof PROGRAMS;

/** The languages that this machine has; Node is always one of them. */
export const consumerLanguages = (): Consuming[] =>
  (Object.keys(PROGRAMS) as Consuming[]).filter((language) => spawnSync(PROGRAMS[language].command, PROGRAMS[language].needs).status === 0);

export interface Consumer {
  // biome-ignore lint/suspicious/noExplicitAny: the template decides the shape of the event
  handled: { event_type: string; event: any }[];
  waitFor(count: number): Promise<Consumer['handled']>;
  close(): void;
}

/** `env`: the queue's endpoint, in the variables that every AWS SDK reads. */
export async function startScurriConsumer(language: Consuming, queueUrl: string, env: Record<string, string>): Promise<Consumer> {
  const { command, script } = PROGRAMS[language];
  const path = fileURLToPath(new URL(`foreign-receivers/${script}`, import.meta.url));
  const child = spawn(command, [path, queueUrl], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const handled: Consumer['handled'] = [];
  let ready = false;
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const lives = () => {
    if (child.exitCode !== null) throw new Error(`the consumer in ${language} ended with ${child.exitCode}: ${complaint}`);
    return true;
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line === 'ready') ready = true;
    else handled.push(JSON.parse(line));
  });
  await until(`the consumer in ${language} is ready`, () => lives() && ready);
  return {
    handled,
    waitFor: (count) => until(`${count} events were handled`, () => (lives() && handled.length >= count ? handled : null)),
    close: () => void child.kill('SIGKILL'),
  };
}
