/**
 * Promotion: the integration tree is carried into the user's own. It happens by itself at the end of a run that
 * succeeded, or after each commit, or when a person asks; one at a time. Where the plan says so it is approved first, and
 * the approval is bound to the very tree. A run that had ended goes on for as long as it takes, and ends again as it had.
 * Refused (a conflict with what the user did meanwhile, a path that may not be written) leaves the user's tree as it was;
 * a run that was to be promoted and could not be has failed, and whoever has cleared the way asks for it again. A cancel
 * does not stop a promotion that is under way: it finishes one way or the other.
 */

import type { RunFact } from './facts.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import { owe } from './owed.ts';
import { owedByRun } from './owed-by-run.ts';
import type { Commit } from './plan.ts';
import { RUN_TERMINAL, type RunState, type TreeState, treeOf } from './state.ts';

export const promotionDeciders = {
  'run.promote'(state, command) {
    const { tree } = state;
    if (!tree) return refuse('NO_TREE', `run ${state.id} does not work over a repository`);
    if (tree.promotion) return open(state);
    if (tree.head === undefined || !isAhead(tree))
      return refuse('NOTHING_TO_PROMOTE', `run ${state.id} has changed nothing${tree.done.length > 0 ? ' since its last promotion' : ''}`);
    return promotion(state, tree.head, command.by.id, command.branch);
  },
  'promotion.undo'(state, command) {
    const { tree } = state;
    if (!tree) return refuse('NO_TREE', `run ${state.id} does not work over a repository`);
    if (tree.promotion) return open(state);
    const last = tree.done.at(-1);
    if (!last) return refuse('NOTHING_TO_UNDO', `no promotion of run ${state.id} is in the user's tree`);
    return [{ type: 'promotion.undoing', promotion: last.id, by: command.by.id }];
  },
  'promote.end'(state, command) {
    const { promotion, outcome } = command;
    const now = state.tree?.promotion;
    if (now?.id !== promotion || now.status === 'asked') return refuse('TREE_OVER', `promotion "${promotion}" is not under way`);
    if (outcome.ok) return [{ type: now.status === 'undoing' ? 'promotion.undone' : 'promotion.done', promotion, report: outcome.report }];
    const { code, message, report } = outcome;
    return [{ type: 'promotion.refused', promotion, code, message, ...(report === undefined ? {} : { report }) }];
  },
} satisfies Partial<Deciders>;

const open = (state: RunState) =>
  refuse('PROMOTION_OPEN', `promotion "${state.tree?.promotion?.id}" of run ${state.id} is ${state.tree?.promotion?.status}`, {
    hint: state.tree?.promotion?.status === 'asked' ? 'Decide on it: `baton inbox`.' : 'Wait for its end.',
  });

/** What the user's tree has of the run: the next promotion carries what came after. */
export const promotedOf = (tree: TreeState): Commit | undefined => tree.done.at(-1)?.tree ?? tree.base;

/** The user's tree lacks some of it. */
export const isAhead = (tree: TreeState): boolean => tree.head !== promotedOf(tree);

const underWay = (state: RunState): NonNullable<TreeState['promotion']> => {
  const promotion = state.tree?.promotion;
  if (!promotion) throw new Error(`run ${state.id} has no promotion under way`);
  return promotion;
};

/** The facts that begin one, or ask whether it may begin. */
function promotion(state: RunState, tree: Commit, by: string, named?: string): RunFact[] {
  const id = `promotion-${treeOf(state).promotions + 1}`;
  const branch = named === undefined ? {} : { branch: named };
  if (state.plan.tree?.approval) return [{ type: 'approval.requested', approval: id, subject: 'promotion', binds: tree, ...branch }];
  return [{ type: 'promotion.started', promotion: id, tree, by, ...branch }];
}

/** Promotions that follow from the state alone. A paused run waits with them, and with its end. */
export function promotionDue(state: RunState): RunFact[] {
  const { tree, plan } = state;
  if (!tree || tree.promotion || tree.head === undefined || RUN_TERMINAL.has(state.status) || state.status === 'cancelling') return [];
  if (!isAhead(tree) || tree.head === tree.settled) return [];
  const each = plan.tree?.promote === 'each';
  const atEnd = plan.tree?.promote === 'end' && state.open === 0 && state.failures === 0;
  return each || atEnd ? promotion(state, tree.head, 'baton') : [];
}

/** How a run without open tasks ends. */
export function outcomeOf(state: RunState): 'succeeded' | 'failed' | 'cancelled' {
  if (state.status === 'cancelling' || state.endedAs === 'cancelled') return 'cancelled';
  return state.failures > 0 || state.tree?.refused ? 'failed' : 'succeeded';
}

/** Counted with the tasks: the engine moves a promotion on, and a person one that is asked about. */
export function countPromotion(state: RunState, by: 1 | -1): void {
  const status = state.tree?.promotion?.status;
  if (status === 'asked') state.people += by;
  else if (status !== undefined) state.active += by;
}

export function setPromotion(state: RunState, promotion: TreeState['promotion']): void {
  const tree = treeOf(state);
  countPromotion(state, -1);
  if (promotion) tree.promotion = promotion;
  else delete tree.promotion;
  countPromotion(state, 1);
}

/** A run that had ended goes on until this is over. */
export function goOn(state: RunState): void {
  if (!RUN_TERMINAL.has(state.status)) return;
  state.endedAs = state.status as NonNullable<RunState['endedAs']>;
  state.status = 'running';
  delete state.endedAt;
}

export const promotionEvolvers = {
  'promotion.started'(state, fact, _at, change) {
    const tree = treeOf(state);
    goOn(state);
    if (tree.promotion === undefined) tree.promotions++;
    const branch = fact.branch === undefined ? {} : { branch: fact.branch };
    setPromotion(state, { id: fact.promotion, tree: fact.tree, ...branch, status: 'running' });
    owe(state, owedByRun(state), change);
  },
  'promotion.done'(state, fact, _at, change) {
    const tree = treeOf(state);
    tree.done.push({ id: fact.promotion, tree: underWay(state).tree });
    delete tree.refused;
    setPromotion(state, undefined);
    owe(state, owedByRun(state), change);
  },
  'promotion.refused'(state, _fact, _at, change) {
    const tree = treeOf(state);
    // An undoing that was refused leaves everything as it is.
    const { status, tree: refused } = underWay(state);
    if (status !== 'undoing') {
      tree.settled = refused;
      tree.refused = true;
    }
    setPromotion(state, undefined);
    owe(state, owedByRun(state), change);
  },
  'promotion.undoing'(state, _fact, _at, change) {
    const tree = treeOf(state);
    goOn(state);
    const last = tree.done.at(-1);
    if (!last) throw new Error(`run ${state.id} has promoted nothing`);
    setPromotion(state, { ...last, status: 'undoing' });
    owe(state, owedByRun(state), change);
  },
  'promotion.undone'(state, _fact, _at, change) {
    const tree = treeOf(state);
    tree.settled = underWay(state).tree;
    tree.done.pop();
    setPromotion(state, undefined);
    owe(state, owedByRun(state), change);
  },
} satisfies Partial<Evolvers>;
