// What is out of step between the announced tables and the database.

/**
 * `TABLE`: missing, no table any more, swapped or made anew. `UNATTACHED`: `migrate` has not seen it yet. `ANNOUNCEMENT`: `migrate` ran for
 * another announcement or version. The others say what doesn't fit.
 */
export type CaptureFindingKind = 'TABLE' | 'UNATTACHED' | 'TRIGGERS' | 'PARTS' | 'COLUMNS' | 'REPLICATION' | 'FUNCTIONS' | 'ANNOUNCEMENT';

export interface CaptureFinding {
  kind: CaptureFindingKind;
  typename: string;
  /** `schema.name`. */
  table: string;
  /** Whether changes are lost, all or some of them. Otherwise all are recorded, but not as they should be. */
  loses: boolean;
  message: string;
  hint: string;
}

/** `since`: when this process noticed it. */
export interface NoticedFinding extends CaptureFinding {
  since: Date;
}
