/**
 * An approval is a durable object bound to the hash of exactly what it allows. It is open until enough principals who
 * may decide have approved, or one has rejected, or its time is over and its rule says `deny`. `escalate` lets more
 * roles decide; `wait` waits. A decision names the hash its principal saw: what has changed since needs a new approval,
 * and one decision is valid once.
 */
import { approved } from './change.ts';
import type { AskedCommand } from './commands.ts';
import type { FactOf, RunFact } from './facts.ts';
import { reworkMax } from './gate.ts';
import { type Deciders, type Evolvers, refuse } from './machine.ts';
import { type Owed, owe } from './owed.ts';
import { owedByRun } from './owed-by-run.ts';
import type { ApprovalRule } from './plan.ts';
import { goOn, setPromotion } from './promotion.ts';
import { type Approval, type RunState, touch, treeOf } from './state.ts';
import { arrive, enter, leave, move, taskOf, wake } from './task.ts';
import { checkAgain } from './tree.ts';

type Decide = Extract<AskedCommand, { type: 'approval.decide' }>;

export const approvalDeciders = {
  'approval.decide'(state, command) {
    const approval = state.approvals.get(command.approval);
    if (!approval) return refuse('APPROVAL_NOT_FOUND', `no approval "${command.approval}"`);
    if (approval.status !== 'open') return refuse('APPROVAL_OVER', `approval "${command.approval}" is ${approval.status} already`);
    if (approval.binds !== command.binds)
      return refuse(
        'APPROVAL_STALE',
        `approval "${command.approval}" binds ${approval.binds.slice(0, 12)}, you saw ${command.binds.slice(0, 12)}`,
        {
          hint: 'Look at it again and decide on what it is now.',
        },
      );
    const forbidden = mayNot(state, approval, command);
    if (forbidden) return refuse('APPROVAL_FORBIDDEN', forbidden, { details: { roles: rolesOf(approval) } });
    if (approval.votes.some((vote) => vote.by === command.by.id)) return refuse('ALREADY_VOTED', `${command.by.id} has voted already`);
    const voted: RunFact = {
      type: 'approval.voted',
      approval: approval.id,
      by: command.by.id,
      decision: command.decision,
      ...(command.note === undefined ? {} : { note: command.note }),
    };
    if (command.decision === 'reject') return [voted, ...denied(state, approval, command.by.id, command)];
    const votes = approval.votes.filter((vote) => vote.decision === 'approve').length + 1;
    if (votes < (approval.rule.quorum ?? 1)) return [voted];
    if (approval.subject === 'task' && command.result === undefined)
      return refuse('RESULT_MISSING', 'the decision of an approve task needs its handoff');
    const made = approval.change ? approved(state, approval.change) : [];
    if ('code' in made) return made;
    return [voted, ...granted(state, approval, command), ...made];
  },
  'call.ask'(state, { task: id, attempt, call, binds, rule }) {
    const task = state.tasks.get(id);
    if (task?.status !== 'running' || task.attempt !== attempt || task.stopping)
      return refuse('ATTEMPT_OVER', `attempt ${attempt} of "${id}" is over`);
    const approval = callId(id, attempt, call);
    return state.approvals.has(approval) ? [] : [{ type: 'approval.requested', approval, subject: 'call', task: id, binds, rule }];
  },
} satisfies Partial<Deciders>;

/** What the approval of a call is called. */
export const callId = (task: string, attempt: number, call: number): string => `call:${task}:${attempt}:${call}`;

/** None means anybody; escalating never makes it fewer. */
const rolesOf = ({ rule, escalated }: Approval): readonly string[] =>
  escalated && rule.by.length > 0 ? [...rule.by, ...(rule.escalateTo ?? [])] : rule.by;

function mayNot(state: RunState, approval: Approval, { by }: Decide): string | undefined {
  const roles = rolesOf(approval);
  if (roles.length > 0 && !by.roles.some((role) => roles.includes(role))) return `${by.id} has none of the roles ${roles.join(', ')}`;
  if (approval.rule.notAuthor && by.id === (approval.change?.by ?? state.by.id)) return `${by.id} asked for it and may not approve it`;
  return undefined;
}

function granted(state: RunState, approval: Approval, command: Decide): RunFact[] {
  const facts: RunFact[] = [{ type: 'approval.granted', approval: approval.id }];
  if (approval.subject === 'promotion') {
    const { branch } = treeOf(state).promotion ?? {};
    const started: RunFact = { type: 'promotion.started', promotion: approval.id, tree: approval.binds, by: command.by.id };
    return [...facts, branch === undefined ? started : { ...started, branch }];
  }
  if (approval.task === undefined || approval.subject === 'start' || approval.subject === 'call') return facts;
  const task = taskOf(state, approval.task);
  if (outgrown(state, approval)) return facts;
  const result = approval.subject === 'task' ? command.result : task.result;
  if (result === undefined) throw new Error(`approval "${approval.id}" allows a result that is not there`);
  const tree = approval.subject === 'result' && task.merged ? { tree: task.merged.tree } : {};
  return [...facts, { type: 'task.committed', task: approval.task, attempt: task.attempt, result, ...tree }];
}

/** Has the integration tree grown since the result was merged with it? Then it is merged and checked again. */
function outgrown(state: RunState, { subject, task }: Approval): boolean {
  const merged = subject === 'result' && task !== undefined ? taskOf(state, task).merged : undefined;
  return merged !== undefined && merged.onto !== state.tree?.head;
}

export function denied(state: RunState, approval: Approval, by: string, command?: Decide): RunFact[] {
  const facts: RunFact[] = [{ type: 'approval.denied', approval: approval.id, by }];
  if (approval.subject === 'promotion')
    return [...facts, { type: 'promotion.refused', promotion: approval.id, code: 'REJECTED', message: `Rejected by ${by}.` }];
  if (approval.subject === 'change') return facts;
  // The attempt goes on, and is told.
  if (approval.subject === 'call') return facts;
  if (approval.task === undefined) return [...facts, { type: 'run.cancelling', by, reason: 'the plan was not approved' }];
  const task = taskOf(state, approval.task);
  // A person who rejects a result and says why sends the work back, like a gate.
  if (approval.subject === 'result' && command?.result !== undefined && task.reworks < reworkMax(task))
    return [...facts, { type: 'task.reworked', task: approval.task, rework: task.reworks + 1, feedback: [command.result] }];
  const message = command?.note ? `Rejected by ${by}: ${command.note}` : `Rejected by ${by}.`;
  return [
    ...facts,
    { type: 'task.failed', task: approval.task, attempt: task.attempt, failure: { class: 'policy', code: 'REJECTED', message } },
  ];
}

export const approvalEvolvers = {
  'approval.requested'(state, fact, at, change) {
    const rule = ruleOf(state, fact);
    const approval: Approval = {
      id: fact.approval,
      subject: fact.subject,
      ...(fact.task === undefined ? {} : { task: fact.task }),
      binds: fact.binds,
      ...(fact.change ? { change: fact.change } : {}),
      rule,
      requestedAt: at,
      votes: [],
      status: 'open',
      owed: [],
    };
    state.approvals.set(fact.approval, approval);
    if (fact.subject === 'call' && fact.task !== undefined) {
      const task = taskOf(state, fact.task);
      task.calls = [...(task.calls ?? []), fact.approval];
      touch(state, task);
    } else if (fact.task !== undefined) {
      const task = taskOf(state, fact.task);
      leave(state, task);
      if (fact.subject === 'start') {
        move(task, 'awaiting-start');
        if (task.spec.tree && state.tree?.head !== undefined) task.base = state.tree.head;
      } else if (fact.subject === 'task') {
        move(task, 'running');
        task.attempt++;
        task.startedAt = at;
        task.inputs ??= task.spec.work;
      } else {
        if (task.status === 'running') move(task, 'validating');
        move(task, 'awaiting-result');
      }
      enter(state, task, change);
    } else if (fact.subject === 'promotion') {
      treeOf(state).promotions++;
      goOn(state);
      const branch = fact.branch === undefined ? {} : { branch: fact.branch };
      setPromotion(state, { id: fact.approval, tree: fact.binds, ...branch, status: 'asked' });
    }
    owe(approval, owedByApproval(approval), change);
  },
  'approval.voted'(state, fact) {
    approvalOf(state, fact.approval).votes.push({ by: fact.by, decision: fact.decision });
  },
  'approval.granted'(state, fact, at, change) {
    const approval = approvalOf(state, fact.approval);
    approval.status = 'granted';
    owe(approval, [], change);
    answered(state, approval);
    if (approval.subject === 'plan') {
      state.status = 'running';
      owe(state, owedByRun(state), change);
      for (const task of state.tasks.values()) {
        if (task.status !== 'pending' || task.open > 0) continue;
        leave(state, task);
        wake(state, task);
        enter(state, task, change);
      }
    } else if (approval.subject === 'start' && approval.task !== undefined) {
      const task = taskOf(state, approval.task);
      task.approved = true;
      arrive(state, task, 'ready', at, change);
    } else if (outgrown(state, approval)) checkAgain(state, taskOf(state, approval.task ?? ''), change);
  },
  'approval.denied'(state, fact, _at, change) {
    const approval = approvalOf(state, fact.approval);
    approval.status = 'denied';
    owe(approval, [], change);
    answered(state, approval);
  },
  'approval.escalated'(state, fact, _at, change) {
    const approval = approvalOf(state, fact.approval);
    approval.escalated = true;
    owe(approval, owedByApproval(approval), change);
  },
} satisfies Partial<Evolvers>;

/** A call that waits no more is not withdrawn with its attempt. */
function answered(state: RunState, { id, subject, task }: Approval): void {
  if (subject !== 'call' || task === undefined) return;
  const record = taskOf(state, task);
  const left = record.calls?.filter((each) => each !== id) ?? [];
  if (left.length > 0) record.calls = left;
  else delete record.calls;
  touch(state, record);
}

const approvalOf = (state: RunState, id: string): Approval => {
  const approval = state.approvals.get(id);
  if (!approval) throw new Error(`run ${state.id} has no approval "${id}"`);
  return approval;
};

function ruleOf(state: RunState, fact: Pick<FactOf<'approval.requested'>, 'task' | 'subject' | 'rule'>): ApprovalRule {
  if (fact.rule) return { at: 'task', ...fact.rule, onTimeout: 'deny' };
  const { approval, changes, tree } = state.plan;
  const ofRun = fact.subject === 'promotion' ? tree?.approval : fact.subject === 'change' ? changes : approval;
  const rule = fact.task === undefined ? ofRun : taskOf(state, fact.task).spec.approval;
  return rule ?? { at: fact.subject === 'start' || fact.subject === 'result' ? fact.subject : 'task', by: [] };
}

export function owedByApproval(approval: Approval): readonly Owed[] {
  if (approval.status !== 'open') return [];
  const { id, rule, escalated } = approval;
  const owed: Owed[] = [{ type: 'notify', id: `notify:approval:${id}${escalated ? ':escalated' : ''}`, what: 'approval', subject: id }];
  if (rule.timeoutMs !== undefined && (rule.onTimeout === 'deny' || (rule.onTimeout === 'escalate' && !escalated)))
    owed.push({ type: 'timer', id: `timer:approval:${id}`, timer: `approval:${id}`, at: approval.requestedAt + rule.timeoutMs });
  return owed;
}

/** Open approvals, oldest first; for the inbox. */
export const openApprovals = (state: RunState): Approval[] =>
  [...state.approvals.values()].filter((approval) => approval.status === 'open');
