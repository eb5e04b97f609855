// Charts over time: stacked bars, and lines. Each interval says its numbers when the pointer is over it.
import { useId, useLayoutEffect, useRef, useState } from 'react';
import styles from './chart.module.css';

/** The custom properties of the series' colours, in `app/base.css`. */
export type Colour = 'good' | 'bad' | 'warn' | 'idle' | 'accent';

export interface Series<Row> {
  label: string;
  colour: Colour;
  value(row: Row): number | null;
}

export interface ChartProps<Row> {
  /** Says in words what the chart shows. */
  label: string;
  rows: Row[];
  series: Series<Row>[];
  /** The start of a row's interval. */
  at(row: Row): string;
  format(value: number): string;
  /** `bars`: stacked counts; `lines`: one line for each series. */
  kind: 'bars' | 'lines';
}

const HEIGHT = 170;
const LEFT = 52;
const BOTTOM = 22;
const TOP = 8;

/** Returns the smallest round number that isn't less than the value: 1, 2 or 5 times a power of ten. */
function roundUp(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

export function Chart<Row>({ label, rows, series, at, format, kind }: ChartProps<Row>) {
  const id = useId();
  const [frame, width] = useWidth();
  const sum = (row: Row) => series.reduce((total, { value }) => total + (value(row) ?? 0), 0);
  const greatest = (row: Row) => Math.max(0, ...series.map(({ value }) => value(row) ?? 0));
  const isEmpty = rows.every((row) => series.every(({ value }) => !value(row)));
  const most = roundUp(Math.max(...rows.map(kind === 'bars' ? sum : greatest)));
  const step = Math.max(1, width - LEFT) / Math.max(1, rows.length);
  const yOf = (value: number) => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
  const xOf = (index: number) => LEFT + index * step;
  return (
    <figure className={styles.chart} aria-labelledby={id} ref={frame}>
      <figcaption id={id}>
        <span className="visually-hidden">{label}</span>
        {series.map(({ label: name, colour }) => (
          <span key={name} className={styles.key} data-colour={colour}>
            {name}
          </span>
        ))}
      </figcaption>
      <svg width={width} height={HEIGHT} aria-hidden="true">
        {ticksOf(most, kind).map((value) => (
          <g key={value}>
            <line className={styles.grid} x1={LEFT} x2={width} y1={yOf(value)} y2={yOf(value)} />
            <text className={styles.tick} x={LEFT - 8} y={yOf(value) + 4} textAnchor="end">
              {isEmpty ? '' : format(value)}
            </text>
          </g>
        ))}
        {isEmpty && (
          <text className={styles.tick} x={LEFT + (width - LEFT) / 2} y={HEIGHT / 2} textAnchor="middle">
            Nothing in this period
          </text>
        )}
        <TimeTicks rows={rows} at={at} xOf={xOf} every={Math.max(1, Math.ceil(TICK_PX / step))} />
        {kind === 'bars' ? (
          <Bars rows={rows} series={series} at={at} step={step} xOf={xOf} yOf={yOf} />
        ) : (
          series.map((one) => <Line key={one.label} rows={rows} series={one} at={at} xOf={(index) => xOf(index) + step / 2} yOf={yOf} />)
        )}
        {rows.map((row, index) => (
          <rect key={at(row)} className={styles.hover} x={xOf(index)} y={0} width={step} height={HEIGHT - BOTTOM}>
            <title>{[clock.format(new Date(at(row))), ...series.map((one) => sentence(one, row, format))].join('\n')}</title>
          </rect>
        ))}
      </svg>
    </figure>
  );
}

/** Counts have no halves. */
const ticksOf = (most: number, kind: 'bars' | 'lines'): number[] =>
  [0, most / 2, most].filter((value) => (kind === 'lines' && most > 1) || Number.isInteger(value));

/** Pixels between two times on the axis. */
const TICK_PX = 84;

/** Measures an element, and follows its size: a drawing that is scaled would have small text. */
function useWidth() {
  const ref = useRef<HTMLElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);
  return [ref, width] as const;
}

function sentence<Row>({ label, value }: Series<Row>, row: Row, format: (value: number) => string): string {
  const found = value(row);
  return `${label}: ${found === null ? 'none' : format(found)}`;
}

const clock = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const hour = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' });
function TimeTicks<Row>({ rows, at, xOf, every }: { rows: Row[]; at(row: Row): string; xOf(index: number): number; every: number }) {
  const [first, last] = [rows[0], rows.at(-1)];
  if (!first || !last) return null;
  const format = Date.parse(at(last)) - Date.parse(at(first)) > 2 * 86_400_000 ? day : hour;
  return rows.map((row, index) =>
    index % every === 0 && index + every / 2 < rows.length ? (
      <text key={at(row)} className={styles.tick} x={xOf(index)} y={HEIGHT - 5}>
        {format.format(new Date(at(row)))}
      </text>
    ) : null,
  );
}

interface Placed<Row> {
  rows: Row[];
  xOf(index: number): number;
  yOf(value: number): number;
}

function Bars<Row>({ rows, series, at, step, xOf, yOf }: Placed<Row> & Pick<ChartProps<Row>, 'series' | 'at'> & { step: number }) {
  return rows.map((row, index) => {
    let below = 0;
    return series.map(({ label, colour, value }) => {
      const count = value(row) ?? 0;
      const y = yOf(below + count);
      const height = yOf(below) - y;
      below += count;
      return count === 0 ? null : (
        <rect
          key={`${at(row)} ${label}`}
          data-colour={colour}
          x={xOf(index) + step * 0.12}
          width={step * 0.76}
          y={y}
          height={Math.max(1, height)}
        />
      );
    });
  });
}

function Line<Row>({ rows, series: { colour, value }, at, xOf, yOf }: Placed<Row> & Pick<ChartProps<Row>, 'at'> & { series: Series<Row> }) {
  const values = rows.map(value);
  const isThere = (index: number) => (values[index] ?? null) !== null;
  const path = values.map((found, index) =>
    found === null ? '' : `${isThere(index - 1) ? 'L' : 'M'}${xOf(index).toFixed(1)} ${yOf(found).toFixed(1)}`,
  );
  return (
    <>
      <path className={styles.line} data-colour={colour} d={path.join('')} />
      {values.map((found, index) =>
        // A value between two intervals without one makes no line.
        found === null || isThere(index - 1) || isThere(index + 1) ? null : (
          <circle key={at(rows[index] as Row)} className={styles.dot} data-colour={colour} cx={xOf(index)} cy={yOf(found)} r={3} />
        ),
      )}
    </>
  );
}
