import type { CommandSpec, OptionSpec } from './command.ts';
import { duration, pair, texts, wholeNumber } from './typed.ts';

const NOTE: OptionSpec = { flags: '-m, --note <text>', about: 'why' };
const BINDS: OptionSpec = { flags: '--binds <hash>', about: 'refuse when it is no longer what you saw' };

export const PEOPLE_SPECS: readonly CommandSpec[] = [
  {
    usage: 'inbox [run]',
    about: 'what waits for a person, with the command to type',
    group: 'People',
    examples: [['baton inbox', 'of all runs']],
    completes: ['run'],
    load: async () => (await import('./commands/people.ts')).inbox,
  },
  {
    usage: 'approve <run> [task]',
    about: 'approve what a run asks for',
    group: 'People',
    more: 'The approval is bound to the hash of exactly what you were shown; what changed since needs another one.',
    options: [NOTE, BINDS],
    examples: [
      ['baton approve last review', 'the task "review"'],
      ['baton approve last', 'when only one thing is asked'],
    ],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/people.ts')).approve,
  },
  {
    usage: 'reject <run> [task]',
    about: 'reject it; a result that is rejected with a note goes back to work',
    group: 'People',
    options: [NOTE, BINDS],
    examples: [['baton reject last fix -m "keep the old name"', 'it is the feedback for the next attempt']],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/people.ts')).reject,
  },
  {
    usage: 'answer <run> <task> <answer>',
    about: 'answer a question; or say what became of a lost attempt: happened, retry or failed',
    group: 'People',
    more: 'A question with a schema takes JSON. "-" reads the answer from standard input.',
    options: [{ flags: '--output <key=value>', about: 'with `happened`: what the task brought; repeat for more', read: pair }],
    examples: [
      ['baton answer last name "Aurora"', 'a question in words'],
      ['baton answer last publish happened', 'it was published, go on'],
    ],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/people.ts')).answer,
  },
  {
    usage: 'send <run> <task> <text>',
    about: 'send a message to a task; it is acknowledged, or comes back',
    group: 'People',
    examples: [['baton send last fix "leave the tests alone"', '"-" reads it from standard input']],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/people.ts')).send,
  },
];

export const HOME_SPECS: readonly CommandSpec[] = [
  {
    usage: 'agents',
    about: 'list agents, what they can do, how they are and what is known of them',
    group: 'Home',
    more: 'Success, cost and time are for a task of size 2, by outcomes where there are any, else as declared or assumed.',
    options: [{ flags: '--replay', about: 'what routing would have done with the past of this home' }],
    examples: [
      ['baton agents --json', 'every figure with where it is from'],
      ['baton agents --replay', 'is learning worth it?'],
    ],
    load: async () => (await import('./commands/agents.ts')).agents,
  },
  {
    usage: 'audit <what> [run]',
    about: 'verify the journal, print its head, or export its facts',
    group: 'Home',
    more: 'what: verify, head or export. Facts form a hash chain per run. The chain shows edits, gaps and reordering; only a head that was kept elsewhere shows that nothing was cut off or rewritten whole.',
    options: [{ flags: '--against <file>', about: 'verify: a head exported earlier' }],
    examples: [
      ['baton audit verify', 'recompute every chain'],
      ['baton audit head --json > head.ndjson', 'keep it somewhere else'],
      ['baton audit verify --against head.ndjson', 'nothing was cut off since'],
      ['baton audit export > facts.ndjson', 'every fact, and the heads'],
    ],
    load: async () => (await import('./commands/audit.ts')).audit,
  },
  {
    usage: 'knowledge [what] [given]',
    about: 'what work has kept for later work of this project: look, search, add, take away',
    group: 'Home',
    more: 'what: list, search, show, put or forget. What agents kept is what they say; only what you put is called trusted. A text of "-" is read from standard input.',
    options: [
      { flags: '--title <text>', about: 'put: a line that says what it is about' },
      { flags: '--tag <tag>', about: 'put: repeat for more', read: texts },
      { flags: '--source <text>', about: 'put: where it is from' },
      { flags: '-n, --limit <count>', about: 'list, search: how many; default 50', read: wholeNumber },
    ],
    examples: [
      ['baton knowledge', 'the newest entries'],
      ['baton knowledge search "rate limit"', 'entries with these words, the best first'],
      ['baton knowledge put "Tests need port 5433." --tag tests', 'for whoever works here next'],
      ['baton knowledge forget k3f2a91c…', 'take one away'],
    ],
    load: async () => (await import('./commands/knowledge.ts')).knowledge,
  },
  {
    usage: 'doctor',
    about: 'check what Baton needs, and say what to do',
    group: 'Home',
    options: [{ flags: '--config', about: 'each setting with where it comes from' }],
    examples: [['baton doctor --config', 'why is it set like that?']],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    usage: 'init',
    about: 'write a small baton.yaml and a workflow to start from',
    group: 'Home',
    examples: [['baton init && baton run hello.yaml', 'the first run']],
    load: async () => (await import('./commands/init.ts')).init,
  },
  {
    usage: 'demo',
    about: 'run the demos in a temporary folder',
    group: 'Home',
    options: [{ flags: '--agent <name>', about: 'only the repair, by a real coding agent: codex, claude, opencode or gemini' }],
    examples: [
      ['baton demo', 'no key, no network; about a minute'],
      ['baton demo --agent codex', 'a codex that is installed, against a scripted model'],
    ],
    load: async () => (await import('./commands/demo.ts')).demo,
  },
  {
    usage: 'clean [run]',
    about: 'show what ended runs leave behind; with --yes, remove it',
    group: 'Home',
    more: 'What is in your tree stays there, but promotions of removed runs can not be taken back any more. Runs that have not ended, or promote, lose nothing.',
    options: [
      { flags: '--older-than <duration>', about: 'only runs that ended longer ago; default 7d', read: duration },
      { flags: '--dry-run', about: 'only show, whatever else is typed; the default' },
      { flags: '-y, --yes', about: 'do it' },
    ],
    examples: [['baton clean --older-than 30d --yes', 'facts, payloads, logs, folders and workspaces of those runs']],
    completes: ['run'],
    load: async () => (await import('./commands/clean.ts')).clean,
  },
  {
    usage: 'completion <shell>',
    about: 'print the completion script for bash, zsh or fish',
    group: 'Home',
    examples: [
      ['source <(baton completion bash)', 'in ~/.bashrc; zsh likewise'],
      ['baton completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
    load: async () => (await import('./commands/completion.ts')).completion,
  },
];
