/**
 * The definition of a task: the blob that `TaskSpec.work` names. Planners and the workflow loader write it, the resolver
 * replaces its expressions, the performer carries it out. The same type serves before and after resolving; afterwards
 * no `Template` holds an expression any more, and secrets are still references.
 */
import type { TaskSpec } from '../../engine/kernel/plan.ts';
import type { AgentConfig } from '../agents/agent.ts';
import type { Weights } from './route/routing.ts';
import type { RouteRule } from './route/rules.ts';
import type { PlanLimits } from './situation.ts';

/** A piece of text that is known only when the task starts. */
export type Part = string | { readonly expr: string; readonly at?: Position } | { readonly secret: string };
/** A text, or pieces to be joined: values become their string, or canonical JSON. */
export type Template = string | { readonly parts: readonly Part[] };
/**
 * A JSON value with templates in it. A template has a key of its own, which no other map may have, so that data is never
 * taken for one; a template that is one expression and nothing else keeps the value's type.
 */
export type TemplateValue =
  | null
  | boolean
  | number
  | string
  | { readonly $template: Template }
  | readonly TemplateValue[]
  | { readonly [key: string]: TemplateValue };
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A string runs by `bash -euo pipefail -c`, an array without a shell. Never holds expressions. */
export type CommandLine = string | readonly string[];

/** Where a command runs: the user's tree itself, or the task's own folder. */
export type Place = 'project' | 'own';

export interface GateDefinition {
  readonly name: string;
  readonly run: CommandLine;
  readonly env?: Readonly<Record<string, Template>>;
  readonly timeoutMs?: number;
  /** It looks at more than it is given: run it every time. */
  readonly reuse?: false;
}

interface Common {
  /** CEL; false skips the task. */
  readonly when?: string;
  readonly gates?: readonly GateDefinition[];
  readonly probe?: { readonly run: CommandLine; readonly env?: Readonly<Record<string, Template>>; readonly timeoutMs?: number };
  readonly env?: Readonly<Record<string, Template>>;
  readonly in?: Place;
  /** An agent wrote its commands: they run inside walls, whatever tree they run in. */
  readonly foreign?: boolean;
  /** Domains it may reach from inside a sandbox, where it has no other network. */
  readonly network?: readonly string[];
  /** Names visible to expressions beside `inputs`, `tasks`, `run`: `item`, `index`, and for a used workflow its own `inputs`. Values are JSON. */
  readonly scope?: Scope;
  readonly at?: Position;
}

/** What expressions of a task see besides the run: made by the container it belongs to. */
export interface Scope {
  /** Prefix of the task ids that `tasks.x` means: `''` at the top, `release/` inside `release`. */
  readonly prefix: string;
  readonly inputs?: Readonly<Record<string, unknown>>;
  readonly item?: unknown;
  readonly index?: number;
  /** Of an `until`: counts from 1. */
  readonly round?: number;
}

export type Definition = Common &
  (
    | { readonly kind: 'command'; readonly run: CommandLine; readonly timeoutMs?: number }
    | {
        readonly kind: 'agent';
        readonly agent: AgentConfig;
        /** What the agent was asked to be able to do, and how much work it is (1 to 5): what is learned of it is learned of that. */
        readonly capability?: string;
        readonly size?: number;
        readonly prompt: Template;
        readonly inputs?: Readonly<Record<string, TemplateValue>>;
        /** JSON Schema of the handoff's outputs. */
        readonly schema?: Readonly<Record<string, unknown>>;
        readonly timeoutMs?: number;
        /** Asks for output that fits the schema, the first included. Default 3. */
        readonly asksMax?: number;
      }
    /** A function registered by the program that opened Baton. */
    | {
        readonly kind: 'function';
        readonly name: string;
        readonly inputs?: Readonly<Record<string, TemplateValue>>;
        readonly timeoutMs?: number;
      }
    /** A tool that Baton brings, called once. */
    | {
        readonly kind: 'tool';
        readonly name: string;
        /** Its arguments. */
        readonly inputs?: Readonly<Record<string, TemplateValue>>;
      }
    /** `approve`: a person's decision as a task. */
    | { readonly kind: 'decision'; readonly question: Template }
    | { readonly kind: 'foreach'; readonly items: TemplateValue; readonly child: ChildTemplate; readonly continueOnError?: boolean }
    /** `until` is CEL over the round that has ended; `when`, as everywhere, is asked once, before the first. */
    | { readonly kind: 'until'; readonly until: string; readonly maxRounds: number; readonly child: ChildTemplate }
    /** A goal: its first child makes a plan, and the tasks of that plan are the others, unless none is to be carried out. */
    | { readonly kind: 'plan'; readonly child: ChildTemplate; readonly carryOut?: false }
    /** What that first child does. */
    | {
        readonly kind: 'planner';
        readonly goal: Template;
        readonly timeoutMs?: number;
        /** The rest is told when the container is opened. Who there is to do the tasks. */
        readonly agents?: readonly AgentConfig[];
        /** The model that is asked for a plan, where there is one. */
        readonly planner?: AgentConfig;
        readonly limits?: PlanLimits;
        /** Domains that planned tasks may ask for. */
        readonly network?: readonly string[];
        /** Goals of the plans that this one lies in. */
        readonly above?: readonly string[];
        /** How deep this plan lies in others. Default 1. */
        readonly depth?: number;
        /** How agents are chosen. */
        readonly routing?: { readonly rules: readonly RouteRule[]; readonly weights: Weights };
      }
    | {
        readonly kind: 'uses';
        /** Key in the run's source of the used workflow, already checked. */
        readonly workflow: string;
        readonly with: Readonly<Record<string, TemplateValue>>;
      }
  );

/** What a container makes its children from: everything of a TaskSpec but its id, needs and hash, and the definition. */
export interface ChildTemplate {
  readonly spec: Omit<TaskSpec, 'id' | 'needs' | 'work'>;
  readonly definition: Definition;
}

/** The content of a committed result: what later tasks read. Ids, status and usage are in the facts. */
export interface HandoffContent {
  /** Of a `foreach`: what each item gave, in order. */
  readonly items?: readonly unknown[];
  readonly summary: string;
  readonly outputs: Readonly<Record<string, unknown>>;
  readonly artifacts: readonly Artifact[];
  readonly evidence: readonly string[];
  readonly questions: readonly string[];
}
export interface Artifact {
  readonly path: string;
  readonly sha256: string;
  readonly size: number;
}
