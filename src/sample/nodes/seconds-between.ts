// A row with a beginning and perhaps an end in, the seconds between them out.

export function secondsBetween({ startedAt, endedAt }: { startedAt: Date; endedAt: Date | null }): number | null {
  return endedAt && (endedAt.getTime() - startedAt.getTime()) / 1000;
}
