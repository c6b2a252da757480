/**
 * From a request to the commit point. Nothing of the user's tree is touched here: what is staged and not committed to is
 * removed again.
 */
import { BatonError } from '../../errors.ts';
import { prepareBranch } from './promotion-branch.ts';
import { exchangesBetween, linksOf } from './promotion-git.ts';
import { type Refusal, refusalOf, some } from './promotion-judge.ts';
import type { ProjectPlace } from './promotion-place.ts';
import { type BranchMove, makeRecordFolder, type PromotionRecord, removeRecord, writeJournal } from './promotion-record.ts';
import type { Exchange, Step } from './promotion-roll.ts';
import { stage } from './promotion-stage.ts';
import { verify } from './promotion-verify.ts';
import { closeRoot, openRoot, type Root } from './walk.ts';
import { type Change, type Commit, type PromotionRequest, QUOTA_DEFAULT, type Trees } from './workspace.ts';

/** How often a promotion starts over when files it would exchange are saved meanwhile. */
export const TRIES_MAX = 5;

export interface Beginning {
  readonly trees: Trees;
  /** The store of the trees. */
  readonly store: string;
  readonly place: ProjectPlace;
  /** Folder of this promotion. */
  readonly folder: string;
  readonly request: PromotionRequest;
  /** Hash of the request. */
  readonly hash: string;
  readonly step: Step;
}

interface Planned {
  readonly before: Commit;
  readonly after: Commit;
  readonly changes: readonly Change[];
  readonly exchanges: readonly Exchange[];
  readonly branch?: BranchMove;
}

/** @throws BatonError `PROMOTION_RESTLESS`, or of the disk: then nothing was changed */
export async function beginPromotion(beginning: Beginning): Promise<PromotionRecord | Refusal> {
  const project = openRoot(beginning.place.project);
  try {
    let seen: ReadonlyMap<string, string> = new Map();
    for (let n = 1; n <= TRIES_MAX; n++) {
      const tried = await tryOnce(beginning, project, seen);
      if (!('saved' in tried)) return tried;
      seen = tried.saved;
    }
    throw new BatonError(
      'PROMOTION_RESTLESS',
      `limit TRIES_MAX = ${TRIES_MAX}: files are saved as fast as they are merged: ${some([...seen.keys()])}.`,
      {
        where: beginning.place.project,
        hint: 'Stop what writes them, then promote again.',
        retryAfterMs: 1000,
        details: { limit: TRIES_MAX, paths: [...seen.keys()] },
      },
    );
  } finally {
    closeRoot(project);
  }
}

type Tried = PromotionRecord | Refusal | { readonly saved: ReadonlyMap<string, string> };

/** @param seen what stood in the way the last time */
async function tryOnce(beginning: Beginning, project: Root, seen: ReadonlyMap<string, string>): Promise<Tried> {
  const { trees, folder, request, step } = beginning;
  makeRecordFolder(folder);
  let record: PromotionRecord | undefined;
  try {
    const planned = await plan(beginning);
    if ('ok' in planned) return planned;
    // Neither is left alone when the other fails: what is staged is removed only once nobody writes it.
    const both = await Promise.allSettled([stage({ ...beginning, project, ...planned }), keepCommits(trees, request.id, planned)]);
    for (const each of both) if (each.status === 'rejected') throw each.reason;
    step('commits kept');
    const { other, elsewhere, removable, made } = verify(project, planned.exchanges);
    if (elsewhere.length > 0)
      return refusal('PROMOTION_REFUSED', `On another file system than the project: ${some(elsewhere)}.`, elsewhere);
    const inTheWay = [...other].filter(([path, what]) => seen.get(path) === what).map(([path]) => path);
    if (inTheWay.length > 0)
      return refusal(
        'PROMOTION_CONFLICT',
        `In the way, and nothing that git would store (an ignored file, perhaps): ${some(inTheWay)}.`,
        inTheWay,
      );
    if (other.size > 0) return { saved: other };
    const { before, after, changes, exchanges, branch } = planned;
    const course = { before, after, changes, exchanges, removable, kept: [] };
    record = { version: 1, id: request.id, request: beginning.hash, state: 'applying', course, made, ...(branch ? { branch } : {}) };
    step('verified');
    writeJournal(folder, record, step);
    return record;
  } catch (error) {
    record = undefined;
    throw error;
  } finally {
    if (!record) await forgetPromotion(trees, folder, request.id, step);
  }
}

async function plan({ trees, store, place, folder, request, step }: Beginning): Promise<Planned | Refusal> {
  const { id, project, base, tree, rules, quota = QUOTA_DEFAULT, branch } = request;
  const before = await trees.snapshot(project, `before ${id}`);
  step('snapshot taken');
  const merged = await trees.merge(base, before, tree, id);
  if (!merged.ok) {
    const paths = merged.conflicts.map(({ path }) => path);
    return refusal('PROMOTION_CONFLICT', `Changed in the project and by the run, in ways that don't go together: ${some(paths)}.`, paths);
  }
  step('merged');
  const after = merged.commit;
  const [changes, exchanges] = await Promise.all([trees.changes(before, after), exchangesBetween(store, before, after)]);
  const links = await linksOf(store, exchanges);
  const refused = refusalOf(trees, { changes, rules, quota, own: place.own, linkTo: (path) => links.get(path) ?? '' });
  if (refused) return refused;
  if (!branch) return { before, after, changes, exchanges };
  const move = await prepareBranch({ store, project: place.project, folder, branch, commit: after });
  step('branch prepared');
  return 'ok' in move ? move : { before, after, changes, exchanges, branch: move };
}

/** A commit that a promotion needs is not collected while it can still be undone. */
async function keepCommits(trees: Trees, id: string, { before, after }: Pick<Planned, 'before' | 'after'>): Promise<void> {
  await trees.keep(`promotions/${id}/before`, before);
  await trees.keep(`promotions/${id}/after`, after);
}

export async function letGo(trees: Trees, id: string): Promise<void> {
  for (const end of ['before', 'after']) await trees.keep(`promotions/${id}/${end}`, undefined);
}

/** As if it had never been asked for. */
export async function forgetPromotion(trees: Trees, folder: string, id: string, step: Step): Promise<void> {
  await letGo(trees, id);
  step('commits let go');
  removeRecord(folder, step);
}

const refusal = (code: Refusal['code'], message: string, paths: readonly string[]): Refusal => ({ ok: false, code, message, paths });
