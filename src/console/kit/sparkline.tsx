// Draws small bars over time: what was delivered, and what failed.
import styles from './sparkline.module.css';

export interface Bar {
  from: string;
  good: number;
  bad: number;
}

const HEIGHT = 24;
const STEP = 5;

/** `label`: says in words what the bars show. */
export function Sparkline({ bars, label }: { bars: Bar[]; label: string }) {
  const most = Math.max(1, ...bars.map(({ good, bad }) => good + bad));
  const heightOf = (count: number) => (count === 0 ? 0 : Math.max(2, (count / most) * HEIGHT));
  return (
    <svg
      className={styles.sparkline}
      role="img"
      aria-label={label}
      viewBox={`0 0 ${bars.length * STEP} ${HEIGHT}`}
      width={bars.length * STEP}
      height={HEIGHT}
    >
      {bars.map(({ from, good, bad }, index) => {
        const [up, down] = [heightOf(good), heightOf(bad)];
        const scale = Math.min(1, HEIGHT / Math.max(1, up + down));
        return (
          <g key={from} transform={`translate(${index * STEP} 0)`}>
            {good + bad === 0 && <rect className={styles.idle} y={HEIGHT - 2} width={STEP - 1} height={2} />}
            <rect className={styles.good} y={HEIGHT - up * scale} width={STEP - 1} height={up * scale} />
            <rect className={styles.bad} y={HEIGHT - (up + down) * scale} width={STEP - 1} height={down * scale} />
          </g>
        );
      })}
    </svg>
  );
}
