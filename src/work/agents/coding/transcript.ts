/**
 * What an agent does in one attempt, as it comes: shown in the log, told to the watchdog, and kept as far as a turn needs
 * it: its last message, how the turn ended, and the name of the conversation.
 */
import type { AgentServices } from '../agent.ts';
import type { Activity } from './activity.ts';

type End = Extract<Activity, { type: 'end' }>;

const WHOLE = ', since the conversation began';

export class Transcript {
  /** Name of the conversation. */
  session: string | undefined;
  /** How the turn ended; undefined while it goes on. */
  end: End | undefined;
  /** It has done something since the turn began. */
  begun = false;
  private text = '';
  private message: string | undefined;
  private lineOpen = false;
  private silent = false;
  private readonly log: AgentServices['log'];
  private readonly watch: (activity: Activity) => void;

  constructor(log: AgentServices['log'], watch: (activity: Activity) => void) {
    this.log = log;
    this.watch = watch;
  }

  beginTurn(): void {
    this.end = undefined;
    this.begun = false;
    this.startMessage(undefined);
  }

  /** The last thing said in the turn. */
  get last(): string {
    return this.text.trim();
  }

  take(activity: Activity): void {
    if (this.silent) return;
    this.watch(activity);
    switch (activity.type) {
      case 'session':
        if (activity.id !== '') this.session = activity.id;
        break;
      case 'end':
        this.end = activity;
        break;
      case 'usage':
        this.note(`It counts ${activity.inputTokens} tokens in and ${activity.outputTokens} out${activity.whole ? WHOLE : ''}.`);
        break;
      case 'denied':
        this.note(`Not allowed: ${activity.what}`);
        break;
      case 'trouble':
        this.note(activity.text);
        break;
      default:
        this.begun = true;
        // What goes on was not the end.
        this.end = undefined;
        this.show(activity);
    }
  }

  note(text: string): void {
    this.endLine();
    this.log(`${text}\n`, 'note');
  }

  /** What it prints beside all that. */
  heard(chunk: string): void {
    this.log(chunk, 'stderr');
  }

  /** An agent that loads a conversation tells it once more from the beginning. */
  async silently<T>(act: () => Promise<T>): Promise<T> {
    this.silent = true;
    try {
      return await act();
    } finally {
      this.silent = false;
    }
  }

  private show(activity: Extract<Activity, { type: 'text' | 'thought' | 'tool' | 'tool-end' }>): void {
    if (activity.type === 'text') this.say(activity.text, activity.message);
    if (activity.type === 'tool') {
      this.startMessage(undefined);
      this.note(activity.title ? `${activity.name}: ${activity.title}` : activity.name);
    }
    if (activity.type === 'tool-end' && !activity.ok) this.note('That failed.');
  }

  private say(text: string, message: string | undefined): void {
    if (message === undefined || message !== this.message) this.startMessage(message);
    this.text += text;
    if (text === '') return;
    this.lineOpen = !text.endsWith('\n');
    this.log(text, 'text');
  }

  private startMessage(message: string | undefined): void {
    this.endLine();
    this.text = '';
    this.message = message;
  }

  private endLine(): void {
    if (this.lineOpen) this.log('\n', 'text');
    this.lineOpen = false;
  }
}
