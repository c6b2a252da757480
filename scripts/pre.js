// Runs before the demo and the tests, on any Node: what the system itself must have is checked, and installed where it may be.
import { spawnSync } from 'node:child_process';

/** Program, the Debian package that brings it, and what it is for. */
const NEEDED = [
  ['git', 'git', 'the demo reads the history of a repository'],
  ['bash', 'bash', 'commands of a workflow run in it'],
  ...(process.platform === 'linux' ? [['bwrap', 'bubblewrap', 'what agents run runs inside a sandbox']] : []),
];

const there = (program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const missing = NEEDED.filter(([program]) => !there(program));
const packages = missing.map(([, name]) => name);
if (missing.length > 0 && process.getuid?.() === 0 && there('apt-get')) {
  console.error(`installing ${packages.join(', ')}`);
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'inherit' });
  spawnSync('apt-get', ['install', '-y', '-qq', ...packages], { stdio: 'inherit' });
}
const lacking = missing.filter(([program]) => !there(program));
for (const [program, name, why] of lacking) console.error(`missing: ${program} (Debian package "${name}"): ${why}`);
if (lacking.length > 0) {
  console.error(
    `Install ${lacking.length === 1 ? 'it' : 'them'} and try again: apt-get install ${lacking.map(([, name]) => name).join(' ')}`,
  );
  process.exit(1);
}
