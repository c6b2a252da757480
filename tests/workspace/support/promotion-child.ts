/** A process that promotes, undoes or recovers, and is killed with SIGKILL at the step it is told. Says how many there were. */
import { writeSync } from 'node:fs';
import { createPromotions } from '../../../src/work/workspace/promotion.ts';
import { createTrees } from '../../../src/work/workspace/trees.ts';
import type { Job } from './promotion-kill.ts';

const { act, home, store, request, killAt } = JSON.parse(process.argv[2] ?? '') as Job;
let steps = 0;
const step = (): void => {
  steps++;
  if (steps === killAt) process.kill(process.pid, 'SIGKILL');
};
const promotions = createPromotions({ trees: createTrees({ folder: store }), folder: store, home, step });
if (act === 'promote') await promotions.promote(request);
else if (act === 'undo') await promotions.undo(request.id, request.project);
else await promotions.recover(request.project);
writeSync(1, String(steps));
