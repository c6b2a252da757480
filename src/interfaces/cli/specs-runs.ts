import type { CommandSpec, OptionSpec } from './command.ts';
import { dollars, duration, pair, texts, wholeNumber } from './typed.ts';

const INPUT: OptionSpec = { flags: '-i, --input <key=value>', about: 'value of an input; repeat for more', read: pair };
const LIMITS: readonly OptionSpec[] = [
  { flags: '--cost <dollars>', about: 'limit of what the run may cost', read: dollars },
  { flags: '--tokens <count>', about: 'limit of tokens, input and output', read: wholeNumber },
  { flags: '--wall-time <duration>', about: 'limit of time, such as 90s or 2h', read: duration },
];
const FOREGROUND: OptionSpec = { flags: '--foreground', about: 'run the engine inside this command, without a background process' };

export const RUN_SPECS: readonly CommandSpec[] = [
  {
    usage: 'run <file-or-goal>',
    about: 'start a workflow or a goal, and watch it',
    group: 'Runs',
    more: 'The run belongs to a background process and goes on when this command ends. Without a terminal it never waits for a person: it exits with 3 and says what to type.',
    options: [
      INPUT,
      ...LIMITS,
      { flags: '--agent <name>', about: 'the goal is one task, for this agent alone' },
      { flags: '--gate <command>', about: 'a goal is reached when this passes; repeat for more', read: texts },
      { flags: '--writes <glob>', about: 'all that may change for a goal; repeat for more', read: texts },
      { flags: '--promote <when>', about: 'of a goal: end (default) or never' },
      { flags: '-d, --detach', about: 'start it and leave at once' },
      FOREGROUND,
      { flags: '-o, --output', about: 'show what tasks print' },
      { flags: '--approve-plan', about: 'let a person look at the plan before anything starts' },
      { flags: '--priority <number>', about: 'higher starts earlier; default 0', read: Number },
      { flags: '--command-id <id>', about: 'the same id twice starts one run' },
    ],
    examples: [
      ['baton run release.yaml', 'start it and watch'],
      ['baton run release.yaml -i since=v1.2.0 --cost 2', 'with an input, for two dollars at most'],
      ['baton run "Fix the failing tests"', 'a goal: planned, carried out, checked and promoted'],
      ['baton run "Make the failing tests pass" --agent codex --gate "npm test"', 'one task, without a file'],
      ['baton run release.yaml --foreground --json', 'in CI: facts as JSON lines, no background process'],
    ],
    completes: ['file'],
    load: async () => (await import('./commands/run.ts')).run,
  },
  {
    usage: 'plan <file-or-goal>',
    about: 'show what a workflow file or a goal would do',
    group: 'Runs',
    more: 'Runs nothing of it. Every problem of a file is reported at once; for a goal a plan is made, and kept as a run that ends with it.',
    options: [
      INPUT,
      ...LIMITS,
      { flags: '--explain', about: 'why each routed task goes to whom' },
      { flags: '--mermaid', about: 'the graph, for a document' },
      { flags: '--save <file>', about: 'write the plan of a goal as a workflow file, to be changed and run' },
    ],
    examples: [
      ['baton plan release.yaml', 'tasks in order, agents, cost, limits, approvals'],
      ['baton plan release.yaml --explain', 'with every candidate of every routed task'],
      ['baton plan "Fix the failing tests" --save fix.yaml', 'a plan for a goal, to be looked at first'],
    ],
    completes: ['file'],
    load: async () => (await import('./commands/plan.ts')).plan,
  },
  {
    usage: 'list',
    about: 'list runs, the newest first',
    group: 'Runs',
    options: [
      { flags: '-n, --limit <count>', about: 'how many; default 20', read: wholeNumber },
      { flags: '--open', about: 'only runs that are not over' },
    ],
    examples: [['baton list --open', 'what is going on']],
    load: async () => (await import('./commands/list.ts')).list,
  },
  {
    usage: 'status [run]',
    about: 'how things stand, in short',
    group: 'Runs',
    examples: [
      ['baton status', 'the home, and what needs you'],
      ['baton status last', 'the tasks of the newest run'],
    ],
    completes: ['run'],
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    usage: 'show <run> [task]',
    about: 'everything about a run, or one of its tasks',
    group: 'Runs',
    examples: [
      ['baton show last', 'its tasks, limits and messages'],
      ['baton show last fix', 'definition, result, gates, failure of a task'],
    ],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/show.ts')).show,
  },
  {
    usage: 'logs <run> [task]',
    about: 'what tasks printed',
    group: 'Runs',
    options: [
      { flags: '--attempt <number>', about: 'only of this attempt', read: wholeNumber },
      { flags: '-n, --tail <count>', about: 'only the last lines', read: wholeNumber },
      { flags: '-f, --follow', about: 'go on as it comes' },
    ],
    examples: [['baton logs last fix -f', 'follow one task']],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    usage: 'follow [run]',
    about: 'watch a run; any number of people may',
    group: 'Runs',
    options: [{ flags: '-o, --output', about: 'show what tasks print' }],
    examples: [
      ['baton follow', 'the newest run'],
      ['baton follow last --json', 'its facts as JSON lines'],
    ],
    completes: ['run'],
    load: async () => (await import('./commands/follow.ts')).follow,
  },
  {
    usage: 'pause <run>',
    about: 'start nothing new; what runs may finish',
    group: 'Runs',
    options: [{ flags: '-m, --note <text>', about: 'why' }],
    examples: [['baton pause last', 'go on later with: baton resume last']],
    completes: ['run'],
    load: async () => (await import('./commands/steer.ts')).pause,
  },
  {
    usage: 'resume [run]',
    about: 'go on with a paused run, perhaps with larger limits; without a run: with all that were interrupted',
    group: 'Runs',
    more: 'Without a run it makes sure that somebody carries on every unfinished run, and waits for them.',
    options: [...LIMITS, FOREGROUND, { flags: '-d, --detach', about: 'do not wait' }],
    examples: [
      ['baton resume', 'after a crash or a reboot'],
      ['baton resume last --cost 10', 'it had reached its limit'],
    ],
    completes: ['run'],
    load: async () => (await import('./commands/resume.ts')).resume,
  },
  {
    usage: 'cancel <run>',
    about: 'end a run; tasks marked `always` still run',
    group: 'Runs',
    options: [{ flags: '-m, --reason <text>', about: 'why' }],
    examples: [['baton cancel last -m "wrong branch"', 'it is stored with the run']],
    completes: ['run'],
    load: async () => (await import('./commands/steer.ts')).cancel,
  },
  {
    usage: 'retry <run> [task]',
    about: 'run failed tasks, or one and what follows, again; also lets a blocked or lost one try again',
    group: 'Runs',
    options: [{ flags: '-d, --detach', about: 'do not watch' }],
    examples: [
      ['baton retry last', 'everything that failed'],
      ['baton retry last notes', 'from one task on'],
    ],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/steer.ts')).retry,
  },
];
