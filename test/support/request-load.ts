// Repeatedly sends the same GraphQL request from a separate thread, so that the client takes no time of the tested event loop.
import { Worker } from 'node:worker_threads';

export interface Answered {
  /** Milliseconds from the request to the end of its answer. */
  ms: number;
  status: number;
  /** The first characters of the answer. */
  head: string;
}

export interface RequestLoad {
  answers: Answered[];
  /** Ends the thread and its connections. */
  stop(): Promise<unknown>;
}

export interface LoadOptions {
  url: string;
  token: string;
  query: string;
  /** Number of requests at the same time. */
  concurrency: number;
  /** Milliseconds between an answer and the next request. */
  pauseMs?: number;
}

export function startRequestLoad(options: LoadOptions): RequestLoad {
  const worker = new Worker(THREAD, { eval: true, workerData: { pauseMs: 0, ...options } });
  const answers: Answered[] = [];
  worker.on('message', (answer: Answered) => void answers.push(answer));
  return { answers, stop: () => worker.terminate() };
}

const THREAD = `
const { parentPort, workerData: { url, token, query, concurrency, pauseMs } } = require('node:worker_threads');
const http = require('node:http');
const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
const body = JSON.stringify({ query });
const headers = { authorization: 'Bearer ' + token, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
const send = () => {
  const since = performance.now();
  const end = (status, head) => {
    parentPort.postMessage({ ms: performance.now() - since, status, head });
    setTimeout(send, status === 200 ? pauseMs : 50);
  };
  const request = http.request(url, { agent, method: 'POST', headers }, (response) => {
    let head = '';
    response.on('data', (chunk) => { if (head.length < 500) head += chunk.toString('latin1', 0, 500); });
    response.on('end', () => end(response.statusCode, head));
  });
  request.on('error', (error) => end(0, error.message));
  request.end(body);
};
for (let count = 0; count < concurrency; count++) send();
`;
