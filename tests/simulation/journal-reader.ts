/** A process that reads a home without owning it, or tries to own it, and says what came of it; as another user where it is told so. */
import { homePaths } from '../../src/engine/journal/home.ts';
import { acquireOwner } from '../../src/engine/journal/owner.ts';
import { openReadOnly } from '../../src/engine/journal/sqlite.ts';
import { BatonError } from '../../src/errors.ts';

const [home = '', how = 'read'] = process.argv.slice(2);
const told = (error: unknown) =>
  error instanceof BatonError ? { code: error.code, where: error.where, hint: error.hint } : { code: String(error) };
try {
  if (how === 'own') acquireOwner(home).release();
  const journal = openReadOnly(homePaths(home));
  console.log(
    JSON.stringify({
      position: journal?.position(),
      facts: [...(journal?.readAll() ?? [])].length,
      breaks: [...(journal?.verify() ?? [])],
    }),
  );
  journal?.close();
} catch (error) {
  console.log(JSON.stringify(told(error)));
}
