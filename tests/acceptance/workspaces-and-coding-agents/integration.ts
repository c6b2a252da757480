// req W1a, W10, G1: several tasks of one run change one repository, and what comes back is one tree that was checked.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Baton } from '../../../src/index.ts';
import { point } from '../point.ts';
import { EDITOR, type Edit, edits, makeRepository } from '../support/repository.ts';

const LINES = Array.from({ length: 9 }, (_, i) => `line ${i}`);
const change = (line: number, text: string): Edit => ({ line, of: 'poem.txt', text });

export default point(import.meta, {
  id: 'workspaces-and-coding-agents/integration',
  title: 'changes of several tasks meet in one tree',
  bar: 'a third task sees the changes of both it needs; of two that change one line the later gets the conflict as rework and ends well; edits of the user stay',
  async run() {
    const { folder, home, git } = makeRepository('integration', { 'poem.txt': `${LINES.join('\n')}\n`, 'README.md': 'one\n' });
    writeFileSync(join(folder, 'README.md'), 'one\nedited by the user\n');
    writeFileSync(join(folder, 'staged.txt'), 'staged by the user\n');
    git('add', 'staged.txt');
    const [head, index] = [git('rev-parse', 'HEAD'), git('diff', '--cached')];
    const both = { both: 'poem.txt' };
    const baton = await Baton.open({ home, cwd: folder });
    const run = await baton.start({
      version: 1,
      name: 'integration',
      agents: { editor: EDITOR },
      tasks: {
        top: { agent: 'editor', prompt: edits([change(0, 'the top')]) },
        bottom: { agent: 'editor', prompt: edits([change(8, 'the bottom')]) },
        sees: {
          needs: ['top', 'bottom'],
          agent: 'editor',
          prompt: edits([{ run: 'grep -x "the top" poem.txt && grep -x "the bottom" poem.txt > seen.txt' }]),
          gate: [{ run: 'grep -qx "the bottom" seen.txt' }],
        },
        first: { needs: ['sees'], agent: 'editor', prompt: edits([change(4, 'the first')]) },
        second: {
          needs: ['sees'],
          agent: 'editor',
          prompt: edits([{ sleep: 2_000 }, change(4, 'the second')], [both]),
          gate: [{ run: 'grep -qx "the first" poem.txt && grep -qx "the second" poem.txt' }],
        },
      },
    });
    const end = await run.finished().catch(() => run.state);
    const second = end.tasks.get('second');
    await baton.close();
    const read = (path: string) => (existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8') : '');
    const poem = read('poem.txt').split('\n');
    const expected = ['the top', 'the bottom', 'the first', 'the second'];
    const checks = {
      'the run succeeded': end.status === 'succeeded',
      'all changes are in the user’s tree': expected.every((line) => poem.includes(line)),
      'the third task saw both': read('seen.txt') === 'the bottom\n',
      'the later one was sent back once': second?.reworks === 1 && second.attempt === 2,
      'the user’s edits stayed': read('README.md').includes('edited by the user'),
      'HEAD and index stayed': git('rev-parse', 'HEAD') === head && git('diff', '--cached') === index,
    };
    const wrong = Object.entries(checks).flatMap(([what, holds]) => (holds ? [] : [what]));
    return {
      holds: wrong.length === 0,
      figure: `${Object.keys(checks).length - wrong.length} of ${Object.keys(checks).length} held`,
      detail: [
        ...wrong,
        ...[...end.tasks.values()].map((task) => `${task.spec.id}: ${task.status} ${task.failure?.message ?? ''}`),
        poem.join('\n'),
      ].join('\n'),
    };
  },
});
