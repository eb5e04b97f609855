// Batches all calls of one tick into one call, as an expert would add to the baseline.

interface Asked<K, V> {
  key: K;
  resolve(value: V): void;
  reject(error: unknown): void;
}

/** Runs one call at a time with at most `most` keys; calls that arrive meanwhile join the next batch. */
export function batched<K, V>(answer: (keys: K[]) => Promise<V[]>, most = 200): (key: K) => Promise<V> {
  let waiting: Asked<K, V>[] = [];
  let running = false;

  async function run(): Promise<void> {
    if (running) return;
    running = true;
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const batch = waiting.slice(0, most);
      waiting = waiting.slice(most);
      try {
        const values = await answer(batch.map(({ key }) => key));
        for (const [i, one] of batch.entries()) one.resolve(values[i] as V);
      } catch (error) {
        for (const one of batch) one.reject(error);
      }
    }
    running = false;
  }

  return (key) =>
    new Promise((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      void run();
    });
}
