/**
 * The demo: release notes for a small repository, with the engine killed by kill -9 halfway. It drives the command line as
 * a person would, and counts what really happened at the model's server and in the file that was published.
 *
 *   node demo.js BINARY [--json]
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [binary = 'baton', ...flags] = process.argv.slice(2);
const json = flags.includes('--json');
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const bold = (text) => (process.stdout.isTTY && !process.env.NO_COLOR ? `\u001b[1m${text}\u001b[22m` : text);
const say = (text = '') => {
  if (!json) console.log(text);
};
const step = (text) => say(`\n${bold(`── ${text}`)}`);
const LIMIT_MS = 120_000;
let shown = 0;

const folder = mkdtempSync(join(tmpdir(), 'baton-demo-'));
const project = join(folder, 'tidy-text');
const requests = join(folder, 'requests.log');
writeFileSync(requests, '');
makeRepository();
const model = await startModel();
const env = {
  ...process.env,
  OPENAI_BASE_URL: model.url,
  OPENAI_API_KEY: 'no-real-key-is-needed',
  BATON_HOME: join(project, '.baton'),
  BATON_IDLE_MS: '5000',
};
process.on('exit', () => model.child.kill());
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

step('A workflow: history → tests → notes by a model → four translations → a person → published');
say(`   ${project} is a copy of a small project; ${model.url} is a scripted model.`);
const { run } = JSON.parse(baton('run', 'release.yaml', '--input', 'title=1.3.0', '--detach', '--json'));
let screen = follow(run);
await until('the first translation is done', () => done().some((task) => task.id.startsWith('translate[')));

step('kill -9 to the engine, in the middle of the translations');
const before = done().map((task) => task.id);
const served = count();
const pid = owner();
process.kill(pid, 'SIGKILL');
screen.kill();
say(`   process ${pid} is gone. Done so far: ${before.join(', ')}`);
await sleep(300);

step('Any command starts it again; what was unfinished goes on');
say('   $ baton resume');
baton('resume', run, '--detach', '--json');
screen = follow(run);
await until('somebody is asked', () => show().attention.some((each) => each.kind === 'approval'));
screen.kill();
for (const task of show().taskList.filter((each) => each.status === 'undecided')) baton('answer', run, task.id, 'retry');

step('A person decides');
say(`   $ baton approve ${run} review`);
say(indent(baton('approve', run, 'review')));
await until('the run is over', () => ['succeeded', 'failed', 'cancelled'].includes(show().status));

const end = show();
const changelog = readFileSync(join(project, 'CHANGELOG.md'), 'utf8');
const published = changelog.split('\n').filter((line) => line.startsWith('## 1.3.0')).length;
const after = count();
const again = before.filter((id) => (after[nameOf(id)] ?? 0) > (served[nameOf(id)] ?? 0));
const audit = baton('audit', 'verify').trim();

step('What was done');
for (const task of end.taskList.filter((each) => each.kind !== 'container'))
  say(`   ${task.status.padEnd(10)} ${task.id.padEnd(13)} ${timeLine(end, task)}  ${task.attempt > 1 ? `${task.attempt} attempts` : ''}`);

step('What was not done twice');
say(`   ${before.length} tasks were done before the kill; ${again.length} of them ran again.`);
say(
  `   The model's server answered ${sum(after)} requests for ${Object.keys(after).length - (after['429'] ? 1 : 0)} texts; it turned one away with 429, which was tried again.`,
);
say(`   The notes stand ${published === 1 ? 'once' : `${published} times`} in CHANGELOG.md.`);
say(`   ${audit}`);

step('What to try next');
say(`   cd ${project}`);
say(`   npx --prefix ${here('../..')} baton show ${run} notes     # what the model was asked, and what it said`);
say(`   npx --prefix ${here('../..')} baton audit export          # every fact`);
say(`   The same workflow runs in any git repository: set OPENAI_API_KEY, then baton run ${here('release.yaml')} --input since=HEAD~20`);

const well = end.status === 'succeeded' && published === 1 && again.length === 0;
if (json)
  console.log(
    JSON.stringify({ run, status: end.status, doneBeforeKill: before, ranAgain: again, published, requests: after, audit, project }),
  );
else say(`\n${well ? 'Everything is as it should be.' : 'Something is not as it should be; the lines above say what.'}`);
process.exit(well ? 0 : 1);

function makeRepository() {
  cpSync(here('project'), project, { recursive: true });
  cpSync(here('release.yaml'), join(project, 'release.yaml'));
  const git = (...args) =>
    execFileSync('git', ['-C', project, '-c', 'user.name=Demo', '-c', 'user.email=demo@localhost', ...args], { stdio: 'pipe' });
  git('init', '-q', '-b', 'main');
  const files = ['README.md', 'src/truncate.js', 'src/slugify.js', 'src/wrap.js', 'src/index.js', 'test/text.test.js', '.'];
  const words = [
    'Say what it is',
    'truncate: cut at a word',
    'slugify: drop accents',
    'wrap: keep long words whole',
    'Export wrap',
    'Test what users see',
    'Prepare 1.3.0',
  ];
  files.forEach((file, i) => {
    git('add', file);
    git('commit', '-q', '--allow-empty', '-m', words[i]);
  });
}

function startModel() {
  const child = spawn(process.execPath, [here('model.js'), requests], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.stdout.setEncoding('utf8').once('data', (line) => resolve({ child, url: line.trim() }));
  });
}

function baton(...args) {
  return execFileSync(process.execPath, [binary, ...args], { cwd: project, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** What a second terminal would show; lines that were shown before the kill are not shown again. */
function follow(id) {
  let skip = shown;
  const child = spawn(process.execPath, [binary, 'follow', id], {
    cwd: project,
    env,
    stdio: ['ignore', json ? 'ignore' : 'pipe', 'ignore'],
  });
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    for (const line of text.split('\n').filter(Boolean)) {
      if (skip-- > 0) continue;
      shown++;
      say(`   ${line}`);
    }
  });
  return child;
}

function indent(text) {
  return text.replaceAll(/^(?=.)/gm, '   ');
}

function show() {
  return JSON.parse(baton('show', run, '--json'));
}

function done() {
  return show().taskList.filter((task) => task.status === 'committed' && task.kind === 'work');
}

function owner() {
  return JSON.parse(readFileSync(join(env.BATON_HOME, 'owner.json'), 'utf8')).pid;
}

async function until(what, holds) {
  for (const end = Date.now() + LIMIT_MS; !holds(); ) {
    if (Date.now() > end) throw new Error(`${LIMIT_MS / 1000} s went by before ${what}`);
    await sleep(100);
  }
}

/** Requests by what was asked for: `200 German`. */
function count() {
  const counts = {};
  for (const line of readFileSync(requests, 'utf8').split('\n').filter(Boolean)) {
    const [status, name] = line.split(' ');
    const key = status === '200' ? name : status;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
function sum(counts) {
  return Object.values(counts).reduce((all, each) => all + each, 0);
}

/** What a task asks the model for, as the server's log names it. */
function nameOf(id) {
  const index = /^translate\[(\d)\]$/.exec(id)?.[1];
  return index === undefined ? id : ['German', 'French', 'Japanese', 'Spanish'][Number(index)];
}

/** When a task ran, on a line as long as the run. */
function timeLine({ submittedAt, endedAt }, { startedAt = submittedAt, endedAt: until = startedAt }) {
  const WIDTH = 40;
  const at = (time) => Math.round(((time - submittedAt) / Math.max(1, endedAt - submittedAt)) * (WIDTH - 1));
  const [from, to] = [at(startedAt), at(until)];
  return `${'·'.repeat(from)}${'█'.repeat(Math.max(1, to - from))}${'·'.repeat(Math.max(0, WIDTH - Math.max(from + 1, to)))}`;
}
