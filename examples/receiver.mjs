// A receiver of notifications: keeps the requests that arrive, and prints them if `print` is set.
import { createServer } from 'node:http';

/**
 * @param {{ port?: number, print?: boolean, answer?: { status: number, contentType: string, body: string } }} [options]
 */
export async function startReceiver({ port = 0, print = false, answer } = {}) {
  /** @type {{ headers: import('node:http').IncomingHttpHeaders, body: string }[]} */
  const requests = [];
  let arrived = () => {};
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      const { headers } = request;
      requests.push({ headers, body });
      const [, topic] = Object.entries(headers).find(([name]) => name.endsWith('-topic')) ?? [];
      if (print) console.log(`\nA webhook arrived: ${topic}\n${body}`);
      if (answer) response.writeHead(answer.status, { 'content-type': answer.contentType });
      response.end(answer?.body);
      arrived();
    });
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', () => resolve(undefined)));
  return {
    url: `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}/`,
    requests,
    /** Waits until `count` bodies have arrived, and returns all of them. */
    async waitFor(/** @type {number} */ count) {
      const deadline = AbortSignal.timeout(20_000);
      while (requests.length < count) {
        deadline.throwIfAborted();
        await new Promise((resolve) => {
          arrived = () => resolve(undefined);
          deadline.addEventListener('abort', resolve, { once: true });
        });
      }
      return requests.map(({ body }) => JSON.parse(body));
    },
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
