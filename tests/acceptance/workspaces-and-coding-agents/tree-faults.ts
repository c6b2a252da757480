// req W1, W2, W3, W4, W5, W6, W7: what earlier control planes for coding agents did to the trees of their users, each played again.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunState } from '../../../src/engine/kernel/state.ts';
import { Baton, type Run } from '../../../src/index.ts';
import { say, startModelServer } from '../../agents/support/model-server.ts';
import { point } from '../point.ts';
import { baton as command } from '../support/cli.ts';
import { EDITOR, type Edit, edits, makeRepository } from '../support/repository.ts';

const SECRET = 'secret\n-- a/src/ok.ts\n';
const FILES = { 'src/ok.ts': 'one\ntwo\nthree\n', 'libs/secret.ts': SECRET };
const fenced = (diff: string) => `\`\`\`diff\n${diff}\`\`\`\n`;

interface Stage {
  readonly folder: string;
  readonly home: string;
  readonly outside: string;
  readonly baton: Baton;
  git(...args: readonly string[]): string;
  read(path: string): string;
  /** Runs one task that may write `src/**`. */
  task(task: object, more?: object): Promise<{ readonly run: Run; readonly state: RunState }>;
  edit(first: readonly Edit[], again?: readonly Edit[]): object;
  patch(...answers: readonly string[]): Promise<object>;
}
/** What is wrong, in words; each of these is a statement that must hold. */
type Holds = Readonly<Record<string, boolean>>;

/** By the number of the fault in the list that this project was begun with. */
const CASES: Readonly<Record<string, (stage: Stage) => Promise<Holds>>> = {
  async '2 a patch without a git header, to a file that is not the task’s'({ task, patch, read }) {
    const { state } = await task(await patch(fenced('--- a/libs/secret.ts\n+++ b/libs/secret.ts\n@@ -1 +1 @@\n-secret\n+stolen\n')));
    return { 'it was committed': !committed(state), 'it was applied': read('libs/secret.ts') === SECRET };
  },
  async '3 headers of another file inside a hunk'({ task, patch, read }) {
    const hunk = '@@ -1,2 +1,2 @@\n-secret\n--- a/src/ok.ts\n+stolen\n+++ b/src/ok.ts\n';
    const { state } = await task(await patch(fenced(`--- a/libs/secret.ts\n+++ b/libs/secret.ts\n${hunk}`)));
    return {
      'it was committed': !committed(state),
      'it was applied': read('libs/secret.ts') === SECRET && read('src/ok.ts') === FILES['src/ok.ts'],
    };
  },
  async '4 links out of the tree, and files written through them'({ task, edit, patch, outside, folder, git }) {
    symlinkSync(outside, join(folder, 'src/link'));
    git('add', '-A');
    git('commit', '-q', '-m', 'a link that was there');
    const through = await task(await patch(fenced('--- /dev/null\n+++ b/src/link/new.ts\n@@ -0,0 +1 @@\n+x\n')));
    const made = await task({ ...edit([{ run: `ln -s ${outside} src/more; ln -s /etc/passwd src/passwd` }]), rework: 0 });
    return {
      'a file behind a link was committed': !committed(through.state),
      'a link was committed': made.state.tasks.get('it')?.failure?.code === 'CHANGE_REFUSED',
      'something was written outside': readdirSync(outside).length === 0,
      'the user’s tree changed': git('status', '--porcelain', '--', 'src') === '',
    };
  },
  async '5 staged and committed edits'({ task, edit, read, git }) {
    const head = git('rev-parse', 'HEAD');
    const hide = 'echo stolen > libs/secret.ts; git add -A; git -c user.name=x -c user.email=x@y commit -qm hidden';
    const { state } = await task({ ...edit([{ run: hide }]), rework: 0 });
    return {
      'they were not seen': state.tasks.get('it')?.failure?.code === 'CHANGE_REFUSED',
      'they came in': read('libs/secret.ts') === SECRET && git('rev-parse', 'HEAD') === head,
    };
  },
  async '6 rollback to an earlier checkpoint, and to the latest'({ baton, edit, folder, home }) {
    const first: readonly Edit[] = [
      { write: 'src/ok.ts', text: 'first\n' },
      { write: 'src/other.ts', text: 'other\n' },
    ];
    const work = edit(first, [{ write: 'src/ok.ts', text: 'second\n' }]);
    const run = await baton.start({ ...AROUND, tasks: { it: { ...work, writes: ['src/**'], approval: { at: 'result' } } } });
    const asked = async (attempt: number) => {
      for await (const { fact } of run.follow()) if (fact.type === 'approval.requested' && fact.approval === `result:it:${attempt}`) return;
    };
    await asked(1);
    await run.decide('it', 'reject', 'Again.');
    await asked(2);
    await run.pause();
    await run.decide('it', 'reject', 'Once more.');
    const ends: string[] = [];
    for await (const { fact } of run.follow()) {
      if (fact.type === 'checkpoint.taken' && fact.why === 'end') ends.push(fact.checkpoint);
      if (ends.length === 2) break;
    }
    const restore = async (to: string) => {
      const before = run.state.seq;
      await run.command({ type: 'workspace.restore', by: ANN, task: 'it', to });
      for await (const { fact } of run.follow(before)) if (fact.type === 'restore.ended') return fact.checkpoint ?? '';
      return '';
    };
    const [c1 = '', c2 = ''] = ends;
    const stands = [await restore(c1), await restore(c2)];
    await run.cancel();
    await baton.close();
    const [early, late] = stands.map((to) => command(folder, ['diff', run.id, 'it', '--to', to], { BATON_HOME: home }).out);
    return {
      'the earlier one is not as it was': early?.includes('+first') === true && early.includes('+other') && !early.includes('second'),
      'the latest is not as it was': late?.includes('+second') === true && late.includes('+other') && !late.includes('first'),
    };
  },
  async '7 what is valid is lost with what is not'({ task, edit, read, git }) {
    const { state } = await task(
      edit(
        [
          { line: 1, of: 'src/ok.ts', text: 'TWO' },
          { write: 'libs/new.ts', text: 'x\n' },
        ],
        [{ run: 'test ! -e libs/new.ts' }],
      ),
    );
    return {
      'the task did not end well': committed(state),
      'the valid edit was lost': read('src/ok.ts') === 'one\nTWO\nthree\n',
      'the other came in': git('status', '--porcelain', '--', 'libs') === '',
    };
  },
  async '18 a merge in the user’s own checkout'({ folder, task, edit, read, git }) {
    git('branch', 'baton/it');
    const { run } = await task(edit([{ line: 1, of: 'src/ok.ts', text: 'TWO' }]), { promote: 'never' });
    writeFileSync(join(folder, 'src/ok.ts'), 'one\nmine\nthree\n');
    const stand = () => [git('rev-parse', 'HEAD'), git('branch', '-a'), git('ls-files', '-s'), git('status', '--porcelain')].join();
    const before = stand();
    const seq = run.state.seq;
    await run.command({ type: 'run.promote', by: ANN });
    let refused = false;
    for await (const { fact } of run.follow(seq)) if (fact.type === 'promotion.refused') refused = true;
    return {
      'a conflict was not refused': refused,
      'the user’s edit was lost': read('src/ok.ts') === 'one\nmine\nthree\n',
      'branches, HEAD, index or tree changed': stand() === before,
    };
  },
  async '19 names that git quotes, and backslashes'({ task, edit, read, git }) {
    const odd = 'src/ünïcode with "quotes".ts';
    const { state } = await task(edit([{ write: odd, text: 'fine\n' }]));
    const back = await task({ ...edit([{ run: "echo x > 'src/back\\slash.ts'" }]), rework: 0 });
    return {
      'a name was taken for another': committed(state) && read(odd) === 'fine\n',
      'a backslash came in': !committed(back.state) && !git('status', '--porcelain').includes('slash'),
    };
  },
  async '20 files of its own in a fresh repository, and a promotion of what was refused'({ folder, task, edit, read, git }) {
    mkdirSync(join(folder, '.baton'), { recursive: true });
    writeFileSync(join(folder, '.baton', 'own'), 'own\n');
    const good = await task(edit([{ line: 0, of: 'src/ok.ts', text: 'ONE' }]));
    const bad = await task({ ...edit([{ write: 'libs/secret.ts', text: 'stolen\n' }]), rework: 0 });
    await bad.run.command({ type: 'run.promote', by: ANN }).catch(() => undefined);
    return {
      'its own files stood in the way': committed(good.state) && read('src/ok.ts').startsWith('ONE'),
      'its own files were committed': git('ls-files', '.baton') === '',
      'what was refused came in': read('libs/secret.ts') === SECRET,
    };
  },
  async '21 a repository without a remote'({ task, edit, read, git }) {
    const { state } = await task(edit([{ line: 2, of: 'src/ok.ts', text: 'THREE' }]));
    return { 'there is one': git('remote') === '', 'nothing came in': committed(state) && read('src/ok.ts').endsWith('THREE\n') };
  },
  async '24 a shadow that shares its files with the tree'({ folder, task, edit, read }) {
    const inode = () => statSync(join(folder, 'src/ok.ts')).ino;
    const before = inode();
    const { state } = await task(edit([{ run: 'printf changed > src/ok.ts' }]), { promote: 'never' });
    return {
      'the edit was not made': committed(state),
      'the user’s file changed': read('src/ok.ts') === FILES['src/ok.ts'] && inode() === before,
    };
  },
};

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/tree-faults',
  title: 'faults of earlier control planes, played again',
  bar: `${Object.keys(CASES).length} of them, none is there`,
  timeoutMs: 10 * 60_000,
  async run() {
    const wrong: string[] = [];
    for (const [name, play] of Object.entries(CASES)) {
      const holds = await onStage(play);
      wrong.push(...Object.entries(holds).flatMap(([what, held]) => (held ? [] : [`${name}: ${what}`])));
    }
    return { holds: wrong.length === 0, figure: `${Object.keys(CASES).length} played, ${wrong.length} wrong`, detail: wrong.join('\n') };
  },
});

const ANN = { id: 'ann', roles: [] } as const;
const AROUND = { version: 1, name: 'fault', agents: { editor: EDITOR } } as const;
const committed = (state: RunState): boolean => state.tasks.get('it')?.status === 'committed';

async function onStage(play: (stage: Stage) => Promise<Holds>): Promise<Holds> {
  const { folder, home, git } = makeRepository('fault', FILES);
  const outside = mkdtempSync(join(tmpdir(), 'baton-outside-'));
  const baton = await Baton.open({ home, cwd: folder });
  const servers: { close(): Promise<void> }[] = [];
  try {
    return await play({
      folder,
      home,
      outside,
      baton,
      git,
      read: (path) => readFileSync(join(folder, path), 'utf8'),
      async task(task, more = {}) {
        const run = await baton.start({ ...AROUND, tasks: { it: { writes: ['src/**'], rework: 1, ...task } }, ...more });
        const state = await run.finished().catch(() => run.state);
        return { run, state };
      },
      edit: (first, again = []) => ({ agent: 'editor', prompt: edits(first, again) }),
      async patch(...answers) {
        const models = await startModelServer({ patcher: answers.map((answer) => say(answer)) });
        servers.push(models);
        writeFileSync(join(folder, 'baton.yaml'), `version: 1\nagents: { patcher: { model: test/patcher, baseUrl: "${models.url}" } }\n`);
        return { agent: 'patcher', prompt: 'Change it.' };
      },
    });
  } finally {
    await baton.close().catch(() => undefined);
    for (const server of servers) await server.close();
    for (const each of [dirname(folder), outside]) rmSync(each, { recursive: true, force: true });
  }
}
