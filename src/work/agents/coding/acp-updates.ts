/** What an agent says over ACP while it works, as activities, and what it asks leave for. */
import type { Activity } from './activity.ts';
import type { Permission } from './permission.ts';
import { type JsonObject, listIn, numberIn, objectIn, textIn } from './profile.ts';

/** Calls of tools come in pieces: each update adds to what was known of one. */
export class ToolCalls {
  private readonly known = new Map<string, JsonObject>();
  /** Calls that have been told of, and those that are over. */
  private readonly told = new Set<string>();
  private readonly over = new Set<string>();

  /** One `session/update`. */
  activities(update: JsonObject): readonly Activity[] {
    switch (update['sessionUpdate']) {
      case 'agent_message_chunk': {
        const { type, text } = objectIn(update['content']);
        return type === 'text' ? [{ type: 'text', text: textIn(text), message: textIn(update['messageId']) || 'said' }] : [];
      }
      case 'agent_thought_chunk':
      case 'plan':
        return [{ type: 'thought' }];
      case 'tool_call':
        this.again(textIn(update['toolCallId']));
        return this.progress(this.merge(update));
      case 'tool_call_update':
        return this.progress(this.merge(update));
      default:
        return [];
    }
  }

  /** What a request for permission is about; the call is told of, since its arguments are complete by now. */
  permission(toolCall: JsonObject): { readonly asked: Permission; readonly activities: readonly Activity[] } {
    const call = this.merge(toolCall);
    const paths = [...listIn(call['locations']), ...listIn(call['content'])].map(({ path }) => textIn(path)).filter((path) => path !== '');
    const asked = { kind: textIn(call['kind']), title: textIn(call['title']), input: call['rawInput'], paths };
    return { asked, activities: this.tell(call) };
  }

  /** A call that begins under the name of one that is over is another one. */
  private again(id: string): void {
    if (!this.over.delete(id)) return;
    this.told.delete(id);
    this.known.delete(id);
  }

  private merge(update: JsonObject): JsonObject {
    const id = textIn(update['toolCallId']);
    const given = Object.entries(update).filter(([, value]) => value !== undefined && value !== null);
    const call = { ...this.known.get(id), ...Object.fromEntries(given) };
    this.known.set(id, call);
    return call;
  }

  private progress(call: JsonObject): readonly Activity[] {
    const id = textIn(call['toolCallId']);
    switch (call['status']) {
      case 'in_progress':
        return [...this.tell(call), { type: 'thought' }];
      case 'completed':
      case 'failed': {
        if (this.over.has(id)) return [];
        this.over.add(id);
        this.known.delete(id);
        return [...this.tell(call), { type: 'tool-end', call: id, ok: call['status'] === 'completed' }];
      }
      default:
        return [{ type: 'thought' }];
    }
  }

  /** Once for each call: its arguments come only when it starts, or leave is asked for it. */
  private tell(call: JsonObject): readonly Activity[] {
    const id = textIn(call['toolCallId']);
    if (this.told.has(id)) return [];
    this.told.add(id);
    const { rawInput, locations } = call;
    const title = textIn(call['title']);
    const input = Object.keys(objectIn(rawInput)).length > 0 ? rawInput : { title, locations };
    return [{ type: 'tool', call: id, name: textIn(call['name']) || textIn(call['kind']) || 'tool', input, title }];
  }
}

/** What an agent says it used in a turn; only some do. */
export const usageIn = (response: unknown): readonly Activity[] => {
  const usage = objectIn(objectIn(response)['usage']);
  const { inputTokens, cachedReadTokens, cachedWriteTokens, outputTokens } = usage;
  if (inputTokens === undefined) return [];
  const input = numberIn(inputTokens) + numberIn(cachedReadTokens) + numberIn(cachedWriteTokens);
  return [{ type: 'usage', inputTokens: input, outputTokens: numberIn(outputTokens) }];
};
