/** What a plan says of trees, in words. */
import type { PlanPreview } from '../api/shapes.ts';

const WHEN = {
  end: 'goes into your tree at the end, when all succeeded',
  each: 'goes into your tree after each task that is committed',
  never: 'stays out of your tree until somebody asks: baton promote RUN',
} as const;

/** Of a run over a repository: who works in a tree, and what becomes of the change. */
export function treeLines(tasks: PlanPreview['tasks'], trees: NonNullable<PlanPreview['trees']>): string[] {
  const inTree = tasks.filter(({ tree }) => tree).map(({ id }) => id);
  if (inTree.length === 0) return ['  no task works in a checkout, so nothing goes into your tree'];
  return [`  in checkouts of their own: ${inTree.join(', ')}`, `  what they change ${WHEN[trees.promote]}${approvalText(trees)}`];
}

export const turnLines = (turns: PlanPreview['turns']): string[] =>
  turns.map(({ tasks, claims }) => `  ${pairText(tasks)} take turns: both write ${claimsText(claims)}`);

function approvalText({ promote, approval }: NonNullable<PlanPreview['trees']>): string {
  if (!approval) return '';
  const who = approval.by.length > 0 ? approval.by.join(' or ') : 'somebody';
  return promote === 'never' ? `, and ${who} approves` : `, once ${who} approves`;
}

const pairText = ([one, other]: readonly [string, string]): string => (one === other ? `the items of ${one}` : `${one} and ${other}`);
const claimsText = ([one, other]: readonly [string, string]): string => (one === other ? one : `${one} and ${other}`);
