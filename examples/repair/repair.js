/**
 * The second demo: two failing tests of a small repository are mended at once by two agents, each in a tree of its own, and
 * the checked change comes into a tree in which its user has edits of their own.
 *
 *   node repair.js BINARY [--agent codex|claude|opencode|gemini] [--json]
 */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [binary = 'baton', ...flags] = process.argv.slice(2);
const json = flags.includes('--json');
const agent = flags.includes('--agent') ? flags[flags.indexOf('--agent') + 1] : undefined;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bold = (text) => (process.stdout.isTTY && !process.env.NO_COLOR ? `\u001b[1m${text}\u001b[22m` : text);
const say = (text = '') => {
  if (!json) console.log(text);
};
const step = (text) => say(`\n${bold(`── ${text}`)}`);
const indent = (text) => text.trimEnd().replace(/^/gm, '   ');

const folder = mkdtempSync(join(tmpdir(), 'baton-repair-'));
// A sandbox may be another user's, who has to come by here.
chmodSync(folder, 0o755);
const project = join(folder, 'time-and-text');
cpSync(here('./project'), project, { recursive: true });
writeFileSync(join(project, 'baton.yaml'), `version: 1\nagents:\n  fixer:\n${fixer()}`);
const git = (...args) =>
  execFileSync('git', ['-c', 'user.name=Ann', '-c', 'user.email=ann@example.com', ...args], { cwd: project, encoding: 'utf8' });
git('init', '-q', '-b', 'main');
git('add', '-A');
git('commit', '-q', '-m', 'Two functions and their tests');
writeFileSync(join(project, 'README.md'), `${readFileSync(join(project, 'README.md'), 'utf8')}\nA line that Ann is just writing.\n`);
writeFileSync(join(project, 'NOTES.md'), 'Staged, and not committed.\n');
git('add', 'NOTES.md');
const [head, index] = [git('rev-parse', 'HEAD'), git('diff', '--cached')];

const models = await startModels();
process.on('exit', () => models.child.kill());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
const env = { ...process.env, ...models.env, BATON_HOME: join(folder, 'home'), BATON_IDLE_MS: '3000' };

step('Two failing tests, and a tree with edits of its user');
say(`   ${project}`);
say(indent(git('status', '--short')));
say(indent(tests()));

step(`Two ${agent ?? 'model'} agents at once, each in a checkout of its own, inside a sandbox`);
const run = JSON.parse(baton('run', here('./repair.yaml'), '--detach', '--json')).run;
if (!json) await follow(run);
while (!['succeeded', 'failed', 'cancelled'].includes(status())) await new Promise((resolve) => setTimeout(resolve, 200));

step('What came back');
say(indent(git('diff', '--stat', 'HEAD')));
say(indent(tests()));
const spans = JSON.parse(baton('show', run, '--json')).taskList.filter(({ id }) => id !== 'suite');
const [a, b] = spans.map(({ startedAt, endedAt }) => ({ from: startedAt, to: endedAt }));
const checks = {
  'the run succeeded': status() === 'succeeded',
  'both tasks were at work at the same time': a.from < b.to && b.from < a.to,
  'all tests pass in the user’s tree': /# fail 0/.test(tests()),
  'the user’s own edits are still there': readFileSync(join(project, 'README.md'), 'utf8').includes('Ann is just writing'),
  'HEAD and the index are as they were': git('rev-parse', 'HEAD') === head && git('diff', '--cached') === index,
};
step('What held');
for (const [what, holds] of Object.entries(checks)) say(`   ${holds ? 'yes' : 'NO '}  ${what}`);
step('Try next');
say(`   cd ${project}; export BATON_HOME=${env.BATON_HOME}`);
say(`   baton diff ${run} --stat        what the run changed`);
say(`   baton promote ${run} --undo     take it back`);
if (json) console.log(JSON.stringify({ run, project, checks }));
process.exit(Object.values(checks).every(Boolean) ? 0 : 1);

function fixer() {
  if (agent !== undefined)
    return `    acp: ${agent}\n    model: ${{ codex: 'openai/gpt-5', claude: 'anthropic/claude-sonnet-4-5', gemini: 'google/gemini-2.5-flash' }[agent] ?? 'openai/gpt-5'}\n`;
  return '    model: openai/scripted\n    tools: [files, test]\n    instructions: You mend one thing at a time, and prove it with its test.\n    price: { inputPerMillion: 1, outputPerMillion: 4 }\n';
}

async function startModels() {
  const child = spawn(process.execPath, [here(agent === undefined ? './model.js' : './agents.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = await new Promise((resolve, reject) => {
    child.stdout.once('data', (chunk) => resolve(chunk.toString().trim()));
    child.once('exit', (code) => reject(new Error(`the scripted model ended with ${code}`)));
  });
  return { child, env: agent === undefined ? { OPENAI_BASE_URL: said, OPENAI_API_KEY: 'no-real-key-is-needed' } : JSON.parse(said) };
}

function baton(...args) {
  return execFileSync(process.execPath, [binary, ...args], { cwd: project, encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'inherit'] });
}
function status() {
  return JSON.parse(baton('show', run, '--json')).status;
}
function follow(id) {
  const child = spawn(process.execPath, [binary, 'follow', id], { cwd: project, env, stdio: 'inherit' });
  return new Promise((resolve) => child.on('exit', resolve));
}
function counts(report) {
  return report
    .split('\n')
    .filter((line) => /^# (pass|fail)/.test(line))
    .join('\n');
}
function tests() {
  try {
    return counts(execFileSync(process.execPath, ['--test', '--test-reporter=tap'], { cwd: project, encoding: 'utf8', stdio: 'pipe' }));
  } catch (error) {
    return counts(error.stdout);
  }
}
