// req K8: a fact edited, removed or moved by hand in the database is named by its position.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { point } from '../point.ts';
import { baton, chain, makeFolder } from '../support/cli.ts';

const AT = 7;
const CASES: Readonly<Record<string, (db: DatabaseSync) => void>> = {
  edited: (db) => put(db, AT, (lines, line) => lines.with(line, (lines[line] ?? '').replace('"attempt":1', '"attempt":2'))),
  removed: (db) => put(db, AT, (lines, line) => lines.toSpliced(line, 1)),
  reordered(db) {
    const [one, two] = [find(db, AT), find(db, AT + 1)].map(({ lines, line }) => lines[line] ?? '');
    put(db, AT, (lines, line) => lines.with(line, two ?? ''));
    put(db, AT + 1, (lines, line) => lines.with(line, one ?? ''));
  },
};

/** The row with this fact of the one run there is, and which of its lines that is. */
function find(db: DatabaseSync, seq: number) {
  const row = db.prepare('SELECT position, seq, text FROM fact WHERE seq >= ? ORDER BY seq').get(seq);
  const lines = String(row?.['text']).split('\n');
  return { position: Number(row?.['position']), lines, line: seq - (Number(row?.['seq']) - lines.length + 1) };
}

function put(db: DatabaseSync, seq: number, change: (lines: readonly string[], line: number) => readonly string[]): void {
  const { position, lines, line } = find(db, seq);
  const changed = change(lines, line);
  if (changed.length > 0) db.prepare('UPDATE fact SET text = ? WHERE position = ?').run(changed.join('\n'), position);
  else db.prepare('DELETE FROM fact WHERE position = ?').run(position);
}

export default point(import.meta, {
  id: 'durable-run/audit',
  title: '`audit verify` names the position',
  bar: 'a fact edited, removed and reordered by hand is named where it is; an untouched journal is whole; a cut-off end shows against a kept head',
  async run() {
    const folder = makeFolder('audit');
    try {
      const ran = baton(folder, ['run', chain(folder, 8), '--foreground']);
      const whole = baton(folder, ['audit', 'verify']);
      const head = baton(folder, ['audit', 'head', '--json']);
      const found = Object.entries(CASES).map(([name, tamper]) => {
        const copy = join(folder, name);
        cpSync(join(folder, '.baton'), join(copy, '.baton'), { recursive: true });
        const db = new DatabaseSync(join(copy, '.baton', 'journal.db'));
        tamper(db);
        db.close();
        const { code, out, err } = baton(copy, ['audit', 'verify']);
        return { name, holds: code === 1 && new RegExp(`(?:#|fact )${AT}\\b`, 'i').test(out + err), said: (out + err).trim() };
      });
      const named = found.filter((each) => each.holds).length;
      return {
        holds: ran.code === 0 && whole.code === 0 && head.code === 0 && head.out.includes('hash') && named === found.length,
        figure: `${named} of ${found.length} named at fact ${AT}; untouched: ${whole.out.trim()}`,
        detail: [ran.err, ...found.map(({ name, said }) => `${name}: ${said}`)].join('\n'),
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
});
