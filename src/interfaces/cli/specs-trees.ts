import type { CommandSpec } from './command.ts';
import { texts } from './typed.ts';

export const TREE_SPECS: readonly CommandSpec[] = [
  {
    usage: 'diff <run> [task]',
    about: 'what a run, or one of its tasks, changed',
    group: 'Trees',
    options: [
      { flags: '--from <checkpoint>', about: 'another beginning' },
      { flags: '--to <checkpoint>', about: 'another end' },
      { flags: '--path <path>', about: 'only this file or folder; repeat for more', read: texts },
      { flags: '--stat', about: 'only which files' },
    ],
    examples: [
      ['baton diff last --stat', 'files that the newest run changed'],
      ['baton diff last fix', 'what one task changed'],
    ],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  {
    usage: 'checkpoints <run> [task]',
    about: 'how workspaces stood along the way',
    group: 'Trees',
    examples: [['baton checkpoints last fix', 'look at one with: baton diff last fix --to CHECKPOINT']],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/rollback.ts')).checkpoints,
  },
  {
    usage: 'rollback <run> <task> <checkpoint>',
    about: 'put the workspace of a task back to a checkpoint',
    group: 'Trees',
    more: 'Not while an attempt is at work there: pause the run first. What was there is a checkpoint as well, so this can be undone.',
    options: [{ flags: '--path <path>', about: 'only this file or folder; repeat for more', read: texts }],
    examples: [['baton rollback last fix 3f2a91c', 'the next attempt goes on from there']],
    completes: ['run', 'task'],
    load: async () => (await import('./commands/rollback.ts')).rollback,
  },
  {
    usage: 'promote <run>',
    about: 'carry what a run has committed into your tree; or take it back',
    group: 'Trees',
    more: 'Your branch, HEAD and index stay as they are, and so do your own edits. A conflict leaves your tree untouched.',
    options: [
      { flags: '--branch <name>', about: 'commit your tree with the change on this branch as well; HEAD and index stay' },
      { flags: '--undo', about: 'put back what the last promotion replaced; its branch goes back too' },
    ],
    examples: [
      ['baton promote last', 'after `promote: never`, or when a conflict is out of the way'],
      ['baton promote last --branch baton/fix', 'the branch is made if it is missing'],
      ['baton promote last --undo', 'as it was before, but for what you changed since'],
    ],
    completes: ['run'],
    load: async () => (await import('./commands/promote.ts')).promote,
  },
  {
    usage: 'overlap <run> <task> <other>',
    about: 'let two tasks work at once though both write one path',
    group: 'Trees',
    more: 'OTHER is a task of the same run, or RUN/TASK. It counts for these two as they are, and is on record with your name. Changes are still merged one at a time: where the two conflict, the later one is reworked. Two that both name a contract (`workspace.contracts`) always take turns.',
    examples: [
      ['baton show last fix', 'whom it waits for'],
      ['baton overlap last fix docs', 'it waits no longer'],
    ],
    completes: ['run', 'task', 'task'],
    load: async () => (await import('./commands/overlap.ts')).overlap,
  },
  {
    usage: 'workspaces',
    about: 'checkouts that tasks work in',
    group: 'Trees',
    examples: [['baton workspaces', 'where they are, and how large']],
    load: async () => (await import('./commands/workspaces.ts')).workspaces,
  },
];
