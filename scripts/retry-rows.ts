// Lists the retries with their shortest and longest wait, for the reference.
import { RETRIES, retryDelayMs } from '../src/webhooks/verdict/retry-delay.js';

function duration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${(seconds / 3600).toFixed(1)} h` : `${(seconds / 86_400).toFixed(1)} d`;
}

export function retryRows(): string[][] {
  let sumMs = 0;
  return Array.from({ length: RETRIES }, (_, retry) => {
    const [least, most] = [retryDelayMs(retry, 0), retryDelayMs(retry, 0.999_999)];
    sumMs += (least + most) / 2;
    return [String(retry + 1), duration(least), duration(most), duration(sumMs)];
  });
}
