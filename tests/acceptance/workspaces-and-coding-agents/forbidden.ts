// req W3, W4, W6, A1: what a task may not change is seen however it is hidden, and what it may change is not lost.
import { Baton } from '../../../src/index.ts';
import { point } from '../point.ts';
import { EDITOR, edits, makeRepository } from '../support/repository.ts';

const ALLOWED = Array.from({ length: 8 }, (_, i) => `src/ok-${i}.txt`);
/** Each changes a path that the task does not claim. */
const TRICKS: Readonly<Record<string, string>> = {
  edits: 'echo changed > lib/edited.txt',
  stages: 'echo changed > lib/staged.txt; git add lib/staged.txt',
  commits: 'echo changed > lib/committed.txt; git add -A; git -c user.name=x -c user.email=x@y commit -qm hidden',
  renames: 'git mv lib/renamed.txt lib/elsewhere.txt',
  deletes: 'rm lib/deleted.txt',
  chmods: 'chmod +x lib/chmodded.txt',
  links: 'ln -s /etc/passwd lib/link.txt',
  ignores: 'echo "lib/" >> .gitignore; echo changed > lib/ignored.txt',
};

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/forbidden',
  title: 'a change outside what a task claims is seen, refused and rolled back alone',
  bar: 'each of eight ways is seen, nothing of it reaches the user, eight valid files stay byte-identical in the workspace, and the agent is told',
  async run() {
    const lib = Object.fromEntries(
      ['edited', 'staged', 'committed', 'renamed', 'deleted', 'chmodded'].map((name) => [`lib/${name}.txt`, `${name}\n`]),
    );
    const valid = ALLOWED.map((path, i) => ({ write: path, text: `valid ${i}\n` }));
    const wrong: string[] = [];
    for (const [name, trick] of Object.entries(TRICKS)) {
      const { folder, home, git } = makeRepository(`forbidden-${name}`, { ...lib, 'src/base.txt': 'base\n' });
      const untouched = () => git('status', '--porcelain', '--', 'lib', '.gitignore') === '';
      const baton = await Baton.open({ home, cwd: folder });
      const names = Object.keys(lib).sort();
      const seen = [
        ...ALLOWED.map((path, n) => `test "$(cat ${path})" = "valid ${n}"`),
        `test "$(cat ${names.join(' ')} | tr '\\n' ' ')" = "${names.map((path) => lib[path]?.trim()).join(' ')} "`,
        `test $(ls lib | wc -l) = ${names.length}; test ! -x lib/chmodded.txt; test "$(cat .gitignore)" = .baton/`,
      ].join('; ');
      const run = await baton.start({
        version: 1,
        name: 'forbidden',
        agents: { editor: EDITOR },
        tasks: {
          hides: {
            agent: 'editor',
            writes: ['src/**'],
            gate: { run: 'true' },
            rework: 0,
            continueOnError: true,
            prompt: edits([...valid, { run: trick }]),
          },
          told: {
            agent: 'editor',
            writes: ['src/**'],
            prompt: edits([...valid, { run: trick }], [{ run: `set -e; ${seen}` }]),
            continueOnError: true,
          },
        },
        promote: 'end',
      });
      const end = await run.finished().catch(() => run.state);
      const [hides, told] = [end.tasks.get('hides'), end.tasks.get('told')];
      const outputs = told?.status === 'committed' ? await run.result('told') : {};
      await baton.close();
      const say = (what: string, holds: boolean) => holds || wrong.push(`${name}: ${what}`);
      say('the change was not refused', hides?.status === 'failed' && hides.failure?.code === 'CHANGE_REFUSED');
      say('the task that was told did not end well', told?.status === 'committed' && told.reworks === 1);
      say(
        'the agent was not told which path',
        String(outputs['feedback']).includes('lib/') || String(outputs['feedback']).includes('.gitignore'),
      );
      say('something reached the user', untouched());
    }
    return { holds: wrong.length === 0, figure: `${Object.keys(TRICKS).length} ways, ${wrong.length} wrong`, detail: wrong.join('\n') };
  },
});
