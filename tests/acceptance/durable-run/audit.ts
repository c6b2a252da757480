// req K8: a fact edited, removed or moved by hand in the database is named by its position.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { point } from '../point.ts';
import { baton, chain, makeFolder } from '../support/cli.ts';

const AT = 7;
const CASES: Readonly<Record<string, (db: DatabaseSync) => void>> = {
  edited: (db) => db.exec(`UPDATE fact SET text = replace(text, '"attempt":1', '"attempt":2') WHERE seq = ${AT}`),
  removed: (db) => db.exec(`DELETE FROM fact WHERE seq = ${AT}`),
  reordered: (db) => db.exec(`UPDATE fact SET seq = CASE seq WHEN ${AT} THEN ${AT + 1} ELSE ${AT} END WHERE seq IN (${AT}, ${AT + 1})`),
};

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
