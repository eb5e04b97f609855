// The periods of the charts, as the search parameter names them.
export const PERIODS = ['24h', '7d', '30d'] as const;
export type PeriodName = (typeof PERIODS)[number];
