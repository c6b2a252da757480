/** The rows of lists and inboxes, with the position up to which they are as the journal is. */
import type { Connection } from './connection.ts';

/** Run, when it was submitted, 1 while it is not over, the view as JSON. */
export type ViewRow = readonly [string, number, 0 | 1, string];
export interface ViewRows {
  readonly rows: readonly ViewRow[];
  readonly position: number;
}

/** In a transaction of its own: what is lost of it when the machine fails is made again. */
export function saveViewRows(connection: Connection, epoch: number, { rows, position }: ViewRows): void {
  connection.unsynced(epoch, () => {
    const put = connection.statement(
      'INSERT INTO run_view VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET submitted = excluded.submitted, open = excluded.open, body = excluded.body',
    );
    for (const row of rows) put.run(...row);
    connection.statement('UPDATE view_position SET position = ?').run(position);
  });
}

export function dropViewRows(connection: Connection, epoch: number): void {
  connection.unsynced(epoch, () => {
    connection.statement('DELETE FROM run_view').run();
    connection.statement('UPDATE view_position SET position = 0').run();
  });
}
