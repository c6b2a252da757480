/** A typed client of the API. It needs nothing but a transport, so that it runs in a browser as well as on a socket. */
import type { Answer, Transport } from '../api/call.ts';
import type { DecideRequest, KeepRequest, LimitsRequest, UndecidedRequest, VerifyRequest } from '../api/requests.ts';
import type {
  AgentReplay,
  AgentView,
  Audit,
  ChainHeadView,
  ChangePreview,
  ClaimAhead,
  Cleaned,
  CommandReply,
  Doctor,
  Health,
  InboxItem,
  KnowledgeEntry,
  KnowledgeSummary,
  PlanPreview,
  RunDetail,
  RunRequest,
  RunSummary,
  Setting,
  TaskDetail,
} from '../api/shapes.ts';
import type { CheckpointView, DiffView, TreeView, WorkspaceView } from '../api/trees.ts';
import { checked } from './checked.ts';
import { type FollowOptions, follow } from './follow.ts';

export interface ClientOptions {
  readonly transport: Transport;
  /** Makes the id of a command. Default: a random one. A repeat with the same id has one effect and the same reply. */
  readonly commandId?: () => string;
}

export class BatonClient {
  private readonly transport: Transport;
  private readonly commandId: () => string;

  constructor({ transport, commandId = () => crypto.randomUUID() }: ClientOptions) {
    this.transport = transport;
    this.commandId = commandId;
  }

  health = () => this.get<Health>('/v1/health');
  /** @param cwd a folder of the project whose settings count; likewise below */
  doctor = (cwd?: string) => this.get<Doctor>('/v1/doctor', { cwd });
  settings = (cwd?: string) => this.get<{ settings: Setting[] }>('/v1/settings', { cwd }).then(({ settings }) => settings);
  agents = (cwd?: string) => this.get<{ agents: AgentView[] }>('/v1/agents', { cwd }).then(({ agents }) => agents);
  /** What routing would have done with the past of the home, by the agents of the project. */
  replay = (cwd?: string) => this.get<AgentReplay>('/v1/agents/replay', { cwd });
  plan = (request: RunRequest) => this.post<PlanPreview>('/v1/plans', request);

  runs = (query: { readonly limit?: number; readonly open?: boolean } = {}) =>
    this.get<{ runs: RunSummary[] }>('/v1/runs', query).then(({ runs }) => runs);
  run = (run: string) => this.get<RunDetail>(path`/v1/runs/${run}`);
  task = (run: string, task: string) => this.get<TaskDetail>(path`/v1/runs/${run}/tasks/${task}`);
  inbox = (run?: string) => this.get<{ items: InboxItem[] }>('/v1/inbox', { run }).then(({ items }) => items);

  /** @param commandId the same one twice starts one run */
  submit = (request: RunRequest, commandId?: string) => this.post<CommandReply>('/v1/runs', request, commandId);
  pause = (run: string, note?: string) => this.post<CommandReply>(path`/v1/runs/${run}/pause`, { note });
  resume = (run: string, limits?: LimitsRequest) => this.post<CommandReply>(path`/v1/runs/${run}/resume`, { limits });
  cancel = (run: string, reason?: string) => this.post<CommandReply>(path`/v1/runs/${run}/cancel`, { reason });
  /** What a change of its plan would do. */
  previewChange = (run: string, change: Readonly<Record<string, unknown>>) =>
    this.post<ChangePreview>(path`/v1/runs/${run}/change/preview`, { change });
  /** @param version of the plan it was looked at */
  change = (run: string, change: Readonly<Record<string, unknown>>, version?: number) =>
    this.post<CommandReply>(path`/v1/runs/${run}/change`, { change, version });
  retry = (run: string, task?: string) => this.post<CommandReply>(path`/v1/runs/${run}/retry`, { task });
  decide = (run: string, approval: string, decision: DecideRequest) =>
    this.post<CommandReply>(path`/v1/runs/${run}/approvals/${approval}`, decision);
  answer = (run: string, task: string, answer: unknown) => this.post<CommandReply>(path`/v1/runs/${run}/tasks/${task}/answer`, { answer });
  decideTask = (run: string, task: string, decision: UndecidedRequest) =>
    this.post<CommandReply>(path`/v1/runs/${run}/tasks/${task}/decision`, decision);
  send = (run: string, task: string, text: string) => this.post<CommandReply>(path`/v1/runs/${run}/tasks/${task}/messages`, { text });

  /** What changed between two commits; without them what the run, or one of its tasks, changed. */
  diff = (
    run: string,
    query: { readonly task?: string; readonly from?: string; readonly to?: string; readonly paths?: readonly string[] } = {},
  ) => {
    const { paths = [], ...rest } = query;
    return this.get<DiffView>(path`/v1/runs/${run}/diff`, { ...rest, ...(paths.length > 0 ? { paths: paths.join('\0') } : {}) });
  };
  checkpoints = (run: string, task?: string) =>
    this.get<{ checkpoints: CheckpointView[] }>(path`/v1/runs/${run}/checkpoints`, { task }).then(({ checkpoints }) => checkpoints);
  /** How the tree of a run stands, with its promotions. @throws BatonError `NO_TREE` */
  tree = (run: string) => this.get<TreeView>(path`/v1/runs/${run}/tree`);
  workspaces = () => this.get<{ workspaces: WorkspaceView[] }>('/v1/workspaces').then(({ workspaces }) => workspaces);
  promote = (run: string, how: { readonly undo?: true; readonly branch?: string } = {}) =>
    this.post<CommandReply>(path`/v1/runs/${run}/promote`, how);
  restore = (run: string, task: string, to: string, paths?: readonly string[]) =>
    this.post<CommandReply>(path`/v1/runs/${run}/tasks/${task}/restore`, { to, ...(paths ? { paths } : {}) });

  /** Lets two tasks that wait for each other's claims work at once. */
  overlap = (run: string, task: string, { run: of, task: other, binds }: Pick<ClaimAhead, 'run' | 'task' | 'binds'>) =>
    this.post<CommandReply>(path`/v1/runs/${run}/tasks/${task}/overlap`, { run: of, task: other, binds });
  /** The newest first, or the best for some words. */
  knowledge = (query: { readonly cwd?: string; readonly words?: string; readonly limit?: number } = {}) =>
    this.get<{ entries: KnowledgeSummary[] }>('/v1/knowledge', query).then(({ entries }) => entries);
  knowledgeEntry = (entry: string, cwd?: string) => this.get<KnowledgeEntry>(path`/v1/knowledge/${entry}`, { cwd });
  keep = (request: KeepRequest) => this.post<{ readonly id: string; readonly isNew: boolean }>('/v1/knowledge', request);
  forget = (entry: string, cwd?: string) =>
    this.post<{ readonly id: string; readonly forgotten: true }>(path`/v1/knowledge/${entry}/forget`, cwd === undefined ? {} : { cwd });

  auditVerify = (request: VerifyRequest = {}) => this.post<Audit>('/v1/audit/verify', request);
  auditHeads = () => this.get<{ heads: ChainHeadView[] }>('/v1/audit/heads').then(({ heads }) => heads);
  cleanable = (query: { readonly olderThanMs?: number; readonly run?: string }) => this.get<Cleaned>('/v1/clean', query);
  clean = (runs: readonly string[]) => this.post<Cleaned>('/v1/clean', { runs });

  /** Facts, and live output where asked for, from a position on; connects again by itself until `signal` or the reader ends it. */
  follow = (options: FollowOptions) => follow(this.transport, options);

  /** The stored output of a run's attempts, oldest first, one JSON object a line. */
  async logs(run: string, query: { readonly task?: string; readonly attempt?: number } = {}): Promise<Answer> {
    return this.call('GET', path`/v1/runs/${run}/logs` + queryText(query));
  }
  /** Facts as stored, one JSON object a line. */
  async facts(run?: string): Promise<Answer> {
    return this.call('GET', run === undefined ? '/v1/facts' : path`/v1/runs/${run}/facts`);
  }

  private async get<T>(where: string, query: Query = {}): Promise<T> {
    return parsed<T>(await this.call('GET', where + queryText(query)));
  }
  private async post<T>(where: string, body: object, commandId = this.commandId()): Promise<T> {
    return parsed<T>(await this.call('POST', where, body, commandId));
  }

  /** @throws BatonError what the server said, or `UNREACHABLE` */
  private async call(method: 'GET' | 'POST', path: string, body?: object, commandId = ''): Promise<Answer> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (!body) return checked(await this.transport({ method, path, headers }));
    Object.assign(headers, { 'content-type': 'application/json', 'idempotency-key': commandId });
    return checked(await this.transport({ method, path, headers, body: JSON.stringify(body) }));
  }
}

const parsed = async <T>(answer: Answer): Promise<T> => JSON.parse(await answer.text()) as T;

type Query = Readonly<Record<string, string | number | boolean | undefined>>;
const queryText = (query: Query): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== false) search.set(name, String(value));
  return search.size === 0 ? '' : `?${search}`;
};

const path = (parts: TemplateStringsArray, ...values: string[]): string =>
  parts.reduce((text, part, i) => text + encodeURIComponent(values[i - 1] ?? '') + part);
