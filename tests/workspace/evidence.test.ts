import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Baton } from '../../src/index.ts';

let top = '';
let baton: Baton;

beforeEach(async () => {
  top = mkdtempSync(join(tmpdir(), 'baton-evidence-'));
  const project = join(top, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'a.txt'), 'a\n');
  execFileSync('bash', ['-ec', 'git init -q; git add -A; git -c user.name=u -c user.email=u@v commit -qm one'], { cwd: project });
  baton = await Baton.open({
    home: join(top, 'home'),
    cwd: project,
    env: { PATH: process.env['PATH'], HOME: top, SIGN: 'sign-0123456789' },
  });
});
afterEach(async () => {
  await baton.close();
  rmSync(top, { recursive: true, force: true });
});

const SECRET = '$' + '{{ secrets.SIGN }}';
/** A gate that leaves a line outside the tree whenever it really runs. */
const ran = () => join(top, 'ran');
const counts = (): number => (existsSync(ran()) ? readFileSync(ran(), 'utf8').split('\n').length - 1 : 0);
const check = () => `echo ran >> ${ran()}`;

const play = async (tasks: object) => {
  const run = await baton.start({ version: 1, name: 'evidence', promote: 'never', secrets: ['SIGN'], tasks });
  await run.finished().catch(() => {});
  return run.state;
};

// req W10, G2
describe('evidence of a check', () => {
  it('stands for the same command on the same tree, in any task of the run', async () => {
    const state = await play({
      one: { run: 'echo b > b.txt', gate: { name: 'first', run: check() } },
      two: { needs: ['one'], run: 'true', gate: { name: 'second', run: check() } },
      three: { needs: ['two'], run: 'true', gate: { run: check() } },
    });
    expect([state.status, counts()]).toEqual(['succeeded', 1]);
    const first = state.tasks.get('one')?.verdicts[0];
    expect(first?.reuses).toBeUndefined();
    for (const task of ['two', 'three'])
      expect(state.tasks.get(task)?.verdicts[0]).toMatchObject({ verdict: 'pass', reuses: first?.evidence });
  });

  it('is stale for another tree, and stands again once the first one is back', async () => {
    const state = await play({
      one: { run: 'echo b > b.txt', gate: { run: check() } },
      two: { needs: ['one'], run: 'echo c > b.txt', gate: { run: check() } },
      three: { needs: ['two'], run: 'echo b > b.txt', gate: { run: check() } },
    });
    expect([state.status, counts()]).toEqual(['succeeded', 2]);
    expect(state.tasks.get('three')?.verdicts[0]?.reuses).toBe(state.tasks.get('one')?.verdicts[0]?.evidence);
  });

  it('stands for no other command, environment, limit or result, and never for a check that says so or is given a secret', async () => {
    const after = (gate: object, before = 'one') => ({ needs: [before], run: 'true', gate: { run: check(), ...gate } });
    const state = await play({
      one: { run: 'echo b > b.txt', gate: { run: check() } },
      same: after({}),
      command: after({ run: `${check()} ` }),
      environment: after({ env: { A: 'a' } }),
      limit: after({ timeout: '5m' }),
      result: after({ run: `grep -q summary $BATON_RESULT; ${check()}` }),
      other: { needs: ['result'], run: 'echo another', gate: { run: `grep -q summary $BATON_RESULT; ${check()}` } },
      always: after({ reuse: false }),
      again: after({ reuse: false }, 'always'),
      secret: after({ env: { A: SECRET } }),
      signed: after({ env: { A: SECRET } }, 'secret'),
    });
    const reused = [...state.tasks.values()].filter(({ verdicts }) => verdicts[0]?.reuses !== undefined);
    expect(state.status).toBe('succeeded');
    expect(reused.map(({ spec }) => spec.id)).toEqual(['same']);
    expect(counts()).toBe(state.tasks.size - 1);
  });

  it('that was red is never used again, also not by a green one before it that was given the same', async () => {
    const flag = join(top, 'flag');
    const state = await play({
      one: {
        run: 'echo b > b.txt',
        rework: 1,
        gate: [{ run: check() }, { name: 'flaky', run: `test -e ${flag} || { touch ${flag}; exit 1; }` }],
      },
    });
    expect([state.status, counts(), state.tasks.get('one')?.attempt]).toEqual(['succeeded', 1, 2]);
    const [green, flaky] = [state.tasks.get('one')?.verdicts[0], state.tasks.get('one')?.verdicts[1]];
    expect(green?.reuses).toEqual(expect.any(String));
    expect(flaky).toMatchObject({ verdict: 'pass' });
    expect(flaky?.reuses).toBeUndefined();
  });

  it('can’t rest on a result unseen: a check that does not name it is not given it', async () => {
    const state = await play({
      make: { run: `printf '%s\\n' 'test -z "\${BATON_RESULT:-}"' > check.sh` },
      hidden: { needs: ['make'], run: 'true', gate: { run: 'bash check.sh' } },
      shown: { needs: ['make'], run: 'true', gate: { run: '! bash check.sh', reuse: false } },
      named: { needs: ['make'], run: 'true', gate: { run: '! bash check.sh # BATON_RESULT' } },
    });
    expect(state.status).toBe('succeeded');
  });
});
