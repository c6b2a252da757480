/** Recipes that change code: each ends with the project's own tests on the whole. */
import type { Situation } from '../situation.ts';
import { about, byAgent, command, hasWorker, ownChecks, type Recipe, tool } from './recipe.ts';

const CODE = ['code', 'coding', 'develop'];
const TEST = ['test', 'tests', 'qa', ...CODE];
const covers = ['R1'];
/** Two things at once: one that changes code, and a way to see that it still works. */
const testable = (situation: Situation): boolean => hasWorker(situation) && situation.project.commands.test !== undefined;
const testOf = ({ project }: Situation): string => project.commands.test ?? 'true';
const verify = (situation: Situation, after: string) =>
  command('verify', 'The whole suite passes on the result', testOf(situation), { needs: [after], covers });

export const fixFailingTests: Recipe = {
  name: 'fix-failing-tests',
  what: 'runs the tests, has what fails fixed, and runs all of them again',
  fits: (goal, situation) =>
    testable(situation) &&
    /\b(?:fix|repair|mend|make|get|turn)\b/i.test(goal) &&
    /\b(?:tests?|suite|specs?|ci)\b/i.test(goal) &&
    /\b(?:fail\w*|broken|red|green|pass\w*|fix|repair|mend)\b/i.test(goal),
  tasks: (goal, situation) => [
    tool('reproduce', 'Which tests fail, and how', 'test.run', { with: { mayFail: true } }),
    byAgent(situation, CODE, 'fix', 'Make the failing tests pass', about(FIX, goal), {
      needs: ['reproduce'],
      inputs: { failures: 'reproduce' },
      covers,
      ...ownChecks(situation),
    }),
    verify(situation, 'fix'),
  ],
};
const FIX =
  'Make every failing test of this project pass by correcting what is wrong in the code. Change no test and skip none, unless a test itself contradicts what the project says of itself; then say which and why.';

export const fixBug: Recipe = {
  name: 'fix-bug',
  what: 'writes a test that shows the fault, fixes it, and runs all tests',
  fits: (goal, situation) =>
    testable(situation) &&
    /\b(?:fix|repair|solve|resolve|correct|debug)\b/i.test(goal) &&
    /\b(?:bugs?|crash\w*|errors?|exceptions?|faults?|issues?|wrong\w*|regressions?|leaks?|when|if)\b/i.test(goal),
  tasks: (goal, situation) => [
    byAgent(situation, TEST, 'reproduce', 'A test that shows the fault', about(REPRODUCE, goal), {
      // It shows the fault only if the suite fails with it.
      gates: [{ name: 'the new test fails', run: `! ${testOf(situation)}` }],
    }),
    byAgent(situation, CODE, 'fix', 'Correct the fault', about('Make the new test pass by correcting the fault itself.', goal), {
      needs: ['reproduce'],
      inputs: { test: 'reproduce.summary' },
      covers,
      ...ownChecks(situation),
    }),
    verify(situation, 'fix'),
  ],
};
const REPRODUCE = 'Write one test that fails because of this fault, and would pass without it. Change nothing else. Say where it is.';

export const refactor: Recipe = {
  name: 'refactor',
  what: 'pins down how the code behaves, changes its shape, and checks that it behaves the same',
  fits: (goal, situation) =>
    testable(situation) &&
    /\b(?:refactor\w*|restructure|clean\s?up|simplif\w+|rename|extract|split\s+up|deduplicate|modulari[sz]e|untangle)\b/i.test(goal),
  tasks: (goal, situation) => [
    command('baseline', 'The tests pass before anything is changed', testOf(situation)),
    byAgent(situation, TEST, 'pin', 'Tests for behaviour that has none', about(PIN, goal), {
      needs: ['baseline'],
      ...ownChecks(situation),
    }),
    byAgent(situation, CODE, 'refactor', 'Change the shape, not the behaviour', goal, {
      needs: ['pin'],
      covers,
      ...ownChecks(situation, ['types', 'lint', 'build']),
    }),
    verify(situation, 'refactor'),
  ],
};
const PIN = 'Add tests for the present behaviour of the code that is going to change, where it has none. Change no other code.';

export const upgradeDependency: Recipe = {
  name: 'upgrade-dependency',
  what: 'checks the present state, upgrades, adapts what broke, and tells what changed',
  fits: (goal, situation) =>
    testable(situation) &&
    /\b(?:upgrade|update|bump|migrate)\b/i.test(goal) &&
    /\b(?:dependenc\w+|packages?|librar\w+|modules?|frameworks?|versions?|latest|to\s+v?\d|from\s+v?\d)\b/i.test(goal),
  tasks: (goal, situation) => [
    command('baseline', 'The tests pass before the upgrade', testOf(situation)),
    byAgent(situation, CODE, 'upgrade', 'Upgrade, and adapt what breaks', goal, {
      needs: ['baseline'],
      covers,
      outputs: ['changes'],
      ...(situation.network.size > 0 ? { network: [...situation.network] } : {}),
      ...ownChecks(situation, ['build', 'types']),
    }),
    byAgent(situation, ['review', ...CODE], 'review', 'What the upgrade may break for users', about(AFTER_UPGRADE, goal), {
      needs: ['upgrade'],
      inputs: { changes: 'upgrade.changes' },
      outputs: ['risks'],
    }),
    verify(situation, 'upgrade'),
  ],
};
const AFTER_UPGRADE =
  'Read what the upgrade changed, and list what could behave differently for users of this project: each with the place in the code. Change nothing.';

export const addFeature: Recipe = {
  name: 'add-feature',
  what: 'says how the feature will be used, writes tests for it, builds it, and runs all tests',
  fits: (goal, situation) =>
    testable(situation) && /\b(?:add|implement|create|build|support|introduce|allow|enable|provide|write|make)\b/i.test(goal),
  tasks: (goal, situation) => [
    byAgent(situation, ['design', 'architecture', ...CODE], 'design', 'How it will be used, and where it goes', about(DESIGN, goal), {
      outputs: ['behaviour', 'places'],
      size: 1,
    }),
    byAgent(situation, CODE, 'build', 'The feature, with tests', about(BUILD, goal), {
      needs: ['design'],
      inputs: { behaviour: 'design.behaviour', places: 'design.places' },
      covers,
      size: 3,
      ...ownChecks(situation, ['types', 'lint', 'build']),
    }),
    byAgent(situation, ['review', ...CODE], 'review', 'Does it do what was asked?', about(LOOK, goal), {
      needs: ['build'],
      inputs: { behaviour: 'design.behaviour' },
      outputs: ['problems'],
      size: 1,
    }),
    byAgent(situation, CODE, 'finish', 'Put right what the review found', about(FINISH, goal), {
      needs: ['review'],
      inputs: { problems: 'review.problems' },
      ...ownChecks(situation),
    }),
    verify(situation, 'finish'),
  ],
};
const DESIGN =
  'Read the project and say, without changing it, how this feature behaves for whoever uses it (`behaviour`: numbered statements that a test can check) and which files have to change (`places`).';
const BUILD = 'Build this feature with a test for each numbered statement, in the style of the project. Leave everything else as it is.';
const LOOK = 'Compare the code with each numbered statement. List in `problems` what is missing or wrong, with its place. Change nothing.';
const FINISH = 'Put right what the review lists in `problems`. Where it lists nothing, change nothing.';
