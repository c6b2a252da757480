/** What somebody at a terminal may rely on, tried in a real one (tmux). */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { alive, HELD, type Place, place, until } from '../../e2e/support/baton.ts';
import { point } from '../point.ts';

const BATON = fileURLToPath(new URL('../../../bin/baton.js', import.meta.url));

/** A terminal in which commands are typed; `screen` is what a person sees. */
class Terminal {
  private readonly name = `baton-${process.pid}-${Math.random().toString(36).slice(2)}`;

  constructor({ folder, env }: Place) {
    const shell = [
      'env',
      '-i',
      ...Object.entries({ ...env, TERM: 'xterm-256color', LANG: 'C.UTF-8', PS1: '$ ' }).map(([name, value]) => `${name}=${value}`),
      'bash',
      '--norc',
      '-i',
    ];
    this.tmux('-f', '/dev/null', 'new-session', '-d', '-s', 't', '-x', '100', '-y', '30', '-c', folder, ...shell);
  }
  private tmux(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.name, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }
  type(text: string): void {
    this.tmux('send-keys', '-t', 't', text, 'Enter');
  }
  baton(command: string): void {
    this.type(`'${process.execPath}' '${BATON}' ${command}; echo "code=$?"`);
  }
  keys(...names: string[]): void {
    this.tmux('send-keys', '-t', 't', ...names);
  }
  screen(): string {
    return this.tmux('capture-pane', '-t', 't', '-p', '-J');
  }
  resize(columns: number, rows: number): void {
    this.tmux('resize-window', '-t', 't', '-x', String(columns), '-y', String(rows));
  }
  shows(pattern: RegExp): Promise<string> {
    return until(() => pattern.test(this.screen()) && this.screen()).catch(() => {
      throw new Error(`${pattern} never showed on:\n${this.screen()}`);
    });
  }
  close(): void {
    spawnSync('tmux', ['-L', this.name, 'kill-server'], { stdio: 'ignore' });
  }
}

const countOf = (text: string, part: string): number => text.split(part).length - 1;

const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

async function withTerminal(more: Record<string, string>, use: (at: Place, terminal: Terminal) => Promise<void>): Promise<void> {
  const at = place(more, BATON);
  const terminal = new Terminal(at);
  try {
    await use(at, terminal);
  } finally {
    terminal.close();
    await at.close();
  }
}

const newest = async (at: Place) => (await at.json<{ run: string; status: string; seq: number; attempts: number }>('list', '-n', '1'))[0];

/** The terminal is closed in the middle: the run goes on, and no task starts a second time. */
const closed = () =>
  withTerminal({}, async (at, terminal) => {
    at.write('held.yaml', HELD);
    terminal.baton('run held.yaml');
    await terminal.shows(/● one .*started/);
    const owner = at.owner()?.pid ?? 0;
    terminal.close();
    at.write('gate', '');
    await until(async () => (await newest(at))?.status === 'succeeded');
    must(at.owner()?.pid === owner && alive(owner), 'the owner did not outlive the terminal');
    must((await newest(at))?.attempts === 2, 'a task was started again');
  });

/** Two follow, one on a terminal and one in a pipe, while the run goes on in the background; both see the end. */
const followed = () =>
  withTerminal({}, async (at, terminal) => {
    at.write('held.yaml', HELD);
    await at.baton('run', 'held.yaml', '--detach');
    const pipe = at.start('follow', 'last', '--json');
    terminal.baton('follow last');
    await terminal.shows(/● one/);
    await until(() => pipe.out().includes('started'));
    at.write('gate', '');
    await terminal.shows(/succeeded in .*: 2 tasks done[\s\S]*code=0/);
    const { code, out } = await pipe.done;
    const facts = out.split('\n').filter((line) => line.includes('"type":"fact"')).length;
    must(code === 0 && facts === (await newest(at))?.seq, `the pipe saw ${facts} facts and ended with ${code}`);
  });

/** Ctrl-C asks what shall become of the run, and each answer does it. */
const choices = async () => {
  for (const [keys, status, says] of [
    [['Enter'], 'running', /goes on in the background[\s\S]*code=130/],
    [['Down', 'Enter'], 'paused', /is paused[\s\S]*code=130/],
    [['Down', 'Down', 'Enter'], 'cancelled', /cancelled in [\s\S]*code=130/],
    [['C-c'], 'running', /goes on in the background[\s\S]*code=130/],
  ] as const)
    await withTerminal({}, async (at, terminal) => {
      at.write('held.yaml', HELD);
      terminal.baton('run held.yaml');
      await terminal.shows(/● one .*started/);
      terminal.keys('C-c');
      await terminal.shows(/Leave it running/);
      terminal.keys(...keys);
      await terminal.shows(says);
      must((await newest(at))?.status === status, `${keys}: the run is ${(await newest(at))?.status}, not ${status}`);
    });
};

/** An approval is asked where the run is watched. */
const asked = () =>
  withTerminal({}, async (at, terminal) => {
    at.write(
      'asks.yaml',
      'version: 1\nname: asks\ntasks: { review: { approve: "Ship it to 3 places?" }, two: { needs: [review], run: "echo shipped" } }\n',
    );
    terminal.baton('run asks.yaml');
    await terminal.shows(/Ship it to 3 places\?[\s\S]*Approve/);
    terminal.keys('Enter');
    await terminal.shows(/succeeded in[\s\S]*code=0/);
  });

/** 100 rows at once, on a screen that is made smaller and larger: never more than it holds, and no picture after the end. */
const wide = () =>
  withTerminal({}, async (at, terminal) => {
    const task = '{ run: "echo started; while [ ! -e gate ]; do sleep 0.2; done", in: project, idempotent: true }';
    const tasks = Array.from({ length: 100 }, (_, i) => `  t${i}: ${task}`).join('\n');
    at.write('baton.yaml', 'version: 1\nslots: 120\n');
    at.write('wide.yaml', `version: 1\nname: wide\ntasks:\n${tasks}\n  bad: { run: "exit 3" }\n`);
    terminal.baton('run wide.yaml');
    for (const [columns, rows] of [
      [100, 30],
      [60, 15],
      [120, 40],
      [80, 20],
    ] as const) {
      terminal.resize(columns, rows);
      // What failed is on top, with its command whole; under it as many rows as there is room for. What the terminal itself
      // pushed out of its window when it was made smaller is out of anybody's reach, so only the last picture is looked at.
      const fits = (screen: string) => {
        const picture = screen.slice(screen.lastIndexOf('wide  '));
        const running = countOf(picture, '●');
        return (
          /^wide .*running.*\n {2}✗ bad .*baton show \w+ bad\n/.test(picture) &&
          / more\s*$/.test(picture) &&
          running > rows / 2 &&
          running < rows - 3
        );
      };
      await until(() => fits(terminal.screen())).catch(() => {
        throw new Error(`${columns}×${rows} shows\n${terminal.screen()}`);
      });
    }
    at.write('gate', '');
    const end = await terminal.shows(/failed in .*: 100 tasks done, 1 failed[\s\S]*code=1/);
    const after = end.slice(end.lastIndexOf('tasks done'));
    must(!after.includes('●') && !after.includes(' more'), `something of the live region is left:\n${end}`);
  });

/** Another user of the machine can't open the socket, and can't read the home. */
const foreign = async () => {
  must(process.getuid?.() === 0, 'a second user can only be tried as root');
  await withTerminal({}, async (at) => {
    // Only what Baton itself makes keeps others out.
    for (const folder of [at.folder, `${at.folder}/runtime`]) chmodSync(folder, 0o755);
    at.write('held.yaml', HELD);
    await at.baton('run', 'held.yaml', '--detach');
    const { socket = '' } = await until(() => at.owner()?.socket !== undefined && at.owner());
    const script = `const done = (said) => { console.log(said); process.exit(); };
require('node:net').connect(process.argv[1]).on('connect', () => done('in')).on('error', (error) => done(error.code));`;
    const knock = (...who: string[]) =>
      spawnSync('setpriv', [...who, process.execPath, '-e', script, socket], { encoding: 'utf8', cwd: '/' }).stdout.trim();
    must(knock('--reuid=0') === 'in', 'its own user can not open the socket');
    const nobody = knock('--reuid=65534', '--regid=65534', '--clear-groups');
    must(nobody === 'EACCES', `another user gets "${nobody}" at the socket`);
    const read = spawnSync('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'cat', `${at.home}/journal.db`], {
      encoding: 'utf8',
      cwd: '/',
    });
    must(read.status !== 0, 'another user can read the journal');
  });
};

const PARTS = { closed, followed, choices, asked, wide, foreign };

// req F6, H2, V1
export default point(import.meta, {
  id: 'durable-run/terminal',
  title: 'At a terminal',
  bar: 'a closed terminal, two followers, Ctrl-C with its choices, inline approval, 100 rows with resizes, a second user: each as promised',
  timeoutMs: 5 * 60_000,
  async run() {
    const failed: string[] = [];
    for (const [name, part] of Object.entries(PARTS))
      await part().catch((error: unknown) => failed.push(`${name}: ${error instanceof Error ? error.message : String(error)}`));
    const all = Object.keys(PARTS).length;
    return { holds: failed.length === 0, figure: `${all - failed.length} of ${all} hold`, detail: failed.join('\n\n') };
  },
});
