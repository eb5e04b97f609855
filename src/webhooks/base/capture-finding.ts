// Declares the findings of the capture check: differences between the tables that the host announces and those in the database.

/**
 * `TABLE`: the table is missing, is no longer a table, or was replaced by another one.
 * `UNATTACHED`: `migrate` has not run for the table yet.
 * `ANNOUNCEMENT`: `migrate` last ran for another announcement or version.
 * The other kinds name what differs: triggers, partitions, columns, replication settings or functions.
 */
export type CaptureFindingKind = 'TABLE' | 'UNATTACHED' | 'TRIGGERS' | 'PARTS' | 'COLUMNS' | 'REPLICATION' | 'FUNCTIONS' | 'ANNOUNCEMENT';

export interface CaptureFinding {
  kind: CaptureFindingKind;
  typename: string;
  /** The table's name with its schema: `schema.name`. */
  table: string;
  /** Whether changes of the table are lost. `false`: every change is recorded, but not as the table is announced. */
  loses: boolean;
  message: string;
  hint: string;
}

/** A finding with the time (`since`) at which this process first noticed it. */
export interface NoticedFinding extends CaptureFinding {
  since: Date;
}
