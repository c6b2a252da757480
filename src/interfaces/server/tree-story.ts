/**
 * What the facts of a run say of its trees: how workspaces stood along the way, which changes were committed, which went
 * back, and what became of each promotion. The state has how things stand; this is how they came to it.
 */
import type { Fact, Stored } from '../../engine/kernel/facts.ts';
import { isAhead } from '../../engine/kernel/promotion.ts';
import type { RunState } from '../../engine/kernel/state.ts';
import type { ChangeView, CheckpointView, PromotionView, TreeView } from '../api/trees.ts';

/** What is stored under a hash, as JSON or text. */
type Payload = (hash: string) => unknown;

/** In the order they were taken; a workspace begins with the tree that its task started from. */
export function checkpointsIn(facts: Iterable<Stored>): CheckpointView[] {
  const latest = new Map<string, string>();
  const found: CheckpointView[] = [];
  const add = (view: CheckpointView) => {
    if (view.why !== 'start' || latest.get(view.task) !== view.checkpoint) found.push(view);
    latest.set(view.task, view.checkpoint);
  };
  for (const { fact, at } of facts) {
    if (fact.type === 'task.started' && fact.base !== undefined)
      add({ task: fact.task, attempt: fact.attempt, checkpoint: fact.base, why: 'start', at });
    if (fact.type === 'checkpoint.taken') {
      const { task, attempt, checkpoint, why, files } = fact;
      add({ task, attempt, checkpoint, why, files, at });
    }
    if (fact.type === 'restore.ended' && fact.checkpoint !== undefined)
      add({ task: fact.task, checkpoint: fact.checkpoint, why: 'restore', at });
  }
  return found;
}

export function treeView(state: RunState, facts: Iterable<Stored>, payload: Payload): TreeView {
  const merged: TreeView['merged'][number][] = [];
  const sentBack: TreeView['sentBack'][number][] = [];
  const promotions = new Map<string, PromotionView>();
  for (const { fact, at } of facts) {
    if (fact.type === 'task.committed' && fact.tree !== undefined) merged.push({ task: fact.task, tree: fact.tree, at });
    if (fact.type === 'change.refused') sentBack.push({ task: fact.task, attempt: fact.attempt, why: fact.why, at });
    follow(promotions, fact, at, payload);
  }
  const { base, head, failure, queue = [] } = state.tree ?? {};
  return {
    ...(base === undefined ? {} : { base }),
    ...(head === undefined ? {} : { head }),
    ...(failure === undefined ? {} : { failure: { code: failure.code, message: failure.message } }),
    promote: state.plan.tree?.promote ?? 'never',
    ahead: state.tree !== undefined && isAhead(state.tree),
    merged,
    sentBack,
    waiting: queue.filter((task) => state.tasks.get(task)?.stalled === undefined),
    stalled: [...state.tasks.values()].flatMap(({ spec, stalled }) => (stalled === undefined ? [] : [{ task: spec.id, reason: stalled }])),
    promotions: [...promotions.values()],
  };
}

const WITHDRAWN = { code: 'WITHDRAWN', message: 'The run was cancelled before anybody decided.', paths: [] };

type Change = Partial<Omit<PromotionView, 'refusal'>> & { readonly refusal?: PromotionView['refusal'] | undefined };

function follow(promotions: Map<string, PromotionView>, fact: Fact, at: number, payload: Payload): void {
  const begun = (promotion: string, tree: string, status: 'asked' | 'running', branch: string | undefined) => {
    const on = branch === undefined ? {} : { branch: { name: branch } };
    promotions.set(promotion, { promotion, tree, status, at, files: [], kept: [], ...on });
  };
  const now = (promotion: string, change: Change) => {
    const before = promotions.get(promotion);
    if (!before) return;
    const { refusal, ...rest } = { ...before, at, ...change };
    promotions.set(promotion, refusal === undefined ? rest : { ...rest, refusal });
  };
  switch (fact.type) {
    case 'approval.requested':
      if (fact.subject === 'promotion') begun(fact.approval, fact.binds, 'asked', fact.branch);
      break;
    case 'promotion.started':
      begun(fact.promotion, fact.tree, 'running', fact.branch);
      break;
    case 'promotion.undoing':
      now(fact.promotion, { status: 'undoing' });
      break;
    case 'promotion.done':
      now(fact.promotion, {
        status: 'done',
        ...whatItDid(payload(fact.report)),
        ...branchIn(payload(fact.report), promotions.get(fact.promotion)),
      });
      break;
    case 'promotion.undone':
      // A refusal that is left is of an earlier try.
      now(fact.promotion, { status: 'undone', refusal: undefined, ...whatItDid(payload(fact.report)) });
      break;
    case 'promotion.refused': {
      const paths = fact.report === undefined ? [] : textsOf(fieldOf(payload(fact.report), 'paths'));
      const refusal = { code: fact.code, message: fact.message, paths };
      // An undoing that was refused leaves what was done.
      now(fact.promotion, { status: promotions.get(fact.promotion)?.status === 'undoing' ? 'done' : 'refused', refusal });
      break;
    }
    case 'run.cancelling':
      for (const { promotion, status } of promotions.values())
        if (status === 'asked') now(promotion, { status: 'refused', refusal: WITHDRAWN });
  }
}

/** A report is written by the work floor; one that is damaged or gone says less. */
const whatItDid = (report: unknown): Pick<PromotionView, 'files' | 'kept'> => {
  const files = fieldOf(report, 'files');
  return { files: Array.isArray(files) ? files.filter(isChange) : [], kept: textsOf(fieldOf(report, 'kept')) };
};

const branchIn = (report: unknown, { branch }: Partial<PromotionView> = {}): Pick<PromotionView, 'branch'> => {
  const commit = fieldOf(report, 'branch');
  return branch && typeof commit === 'string' ? { branch: { ...branch, commit } } : {};
};

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
const textsOf = (value: unknown): string[] => (Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []);
const isChange = (value: unknown): value is ChangeView =>
  typeof fieldOf(value, 'path') === 'string' && typeof fieldOf(value, 'kind') === 'string';
