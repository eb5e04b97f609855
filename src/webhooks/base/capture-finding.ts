// Declares the findings of the capture check: differences between the tables that the host announces and those in the database.

/**
 * `TABLE`: the table is missing, is no longer a table, or was replaced by another one.
 * `UNATTACHED`: `migrate` has not run for the table yet.
 * `ANNOUNCEMENT`: `migrate` last ran with another announcement of the table or another version of Hookgraph.
 * The other kinds name what differs: triggers, partitions, columns, replication settings or functions.
 */
export type CaptureFindingKind = 'TABLE' | 'UNATTACHED' | 'TRIGGERS' | 'PARTS' | 'COLUMNS' | 'REPLICATION' | 'FUNCTIONS' | 'ANNOUNCEMENT';

export interface CaptureFinding {
  kind: CaptureFindingKind;
  typename: string;
  /** The table's name with its schema: `schema.name`. */
  table: string;
  /** Whether changes of the table are lost. `false`: all are recorded, but perhaps not in the form that the host announces. */
  loses: boolean;
  message: string;
  hint: string;
}

/** A finding with the time (`since`) at which this process first noticed it. */
export interface NoticedFinding extends CaptureFinding {
  since: Date;
}
