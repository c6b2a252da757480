// req F6: what is installed is the built package, not its source: it reads expressions, schemas and templates as the source does.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
let built: string;
beforeAll(() => {
  // Beside the packages that it needs.
  built = mkdtempSync(join(root, 'node_modules/.baton-built-'));
  copyFileSync(join(root, 'package.json'), join(built, 'package.json'));
  const { status, stdout } = spawnSync(
    join(root, 'node_modules/.bin/tsc'),
    ['-p', join(root, 'tsconfig.build.json'), '--outDir', join(built, 'dist')],
    {
      cwd: root,
      encoding: 'utf8',
    },
  );
  expect(status, stdout).toBe(0);
}, 120_000);
afterAll(() => rmSync(built, { recursive: true, force: true }));

test.each(['plan', 'run'])('%s of a file with expressions', { timeout: 60_000 }, (command) => {
  const home = mkdtempSync(join(built, 'home-'));
  const workflow = join(home, 'greet.yaml');
  writeFileSync(workflow, GREET);
  const args = [join(built, 'dist/main.js'), command, workflow, '--json', ...(command === 'run' ? ['--foreground'] : [])];
  const env = { ...process.env, BATON_HOME: join(home, '.baton') };
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: home, env });
  expect(status, stdout + stderr).toBe(0);
});

const GREET = `version: 1
name: greet
inputs: { who: { type: string, default: world } }
tasks:
  name: { run: 'echo "$WHO"', env: { WHO: "\${{ inputs.who.upperAscii() }}" } }
  greet: { needs: [name], when: tasks.name.outputs.exitCode == 0, run: 'echo "hello $NAME"', env: { NAME: "\${{ tasks.name.outputs.stdout }}" } }
`;
