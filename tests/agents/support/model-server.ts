/**
 * A model behind real HTTP that misbehaves on purpose: the OpenAI chat format, streamed. The n-th request for a model
 * gets its n-th turn, and the last turn stays. Counts every request, so that retries nobody owns would show.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly tool_call_id?: string;
  readonly tool_calls?: readonly { readonly id: string; readonly function: { readonly name: string; readonly arguments: string } }[];
}
export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters: unknown } }[];
  readonly tool_choice?: unknown;
  readonly max_tokens?: number;
  readonly response_format?: unknown;
}
export type Turn = (response: ServerResponse, request: { readonly body: ChatRequest; readonly headers: IncomingHttpHeaders }) => void;

export interface ModelServer {
  /** To be given as `baseUrl`. */
  readonly url: string;
  requests(model: string): number;
  bodies(model: string): readonly ChatRequest[];
  /** Bytes that left for this model, as far as the other side took them. */
  sent(model: string): number;
  close(): Promise<void>;
}

export const startModelServer = async (script: Readonly<Record<string, readonly Turn[]>>): Promise<ModelServer> => {
  const seen = new Map<string, ChatRequest[]>();
  const sent = new Map<string, number>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body: ChatRequest = JSON.parse(Buffer.concat(chunks).toString());
      const before = seen.get(body.model) ?? [];
      seen.set(body.model, [...before, body]);
      response.on('close', () =>
        sent.set(body.model, (sent.get(body.model) ?? 0) + (response.socket?.bytesWritten ?? request.socket.bytesWritten)),
      );
      const turns = script[body.model] ?? [];
      const turn = turns[Math.min(before.length, turns.length - 1)] ?? fail(404, {}, { error: { message: `no model ${body.model}` } });
      turn(response, { body, headers: request.headers });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests: (model) => seen.get(model)?.length ?? 0,
    bodies: (model) => seen.get(model) ?? [],
    sent: (model) => sent.get(model) ?? 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const event = (data: unknown): string => `data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;
const chunk = (delta: object, finish: string | null = null): object => ({
  id: 'chat-1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const begin = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });

export interface SayOptions {
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly finish?: string;
}

/** Answers properly, in two pieces. */
export const say =
  (text: string, { usage = { prompt_tokens: 100, completion_tokens: 20 }, finish = 'stop' }: SayOptions = {}): Turn =>
  (response) => {
    const half = Math.ceil(text.length / 2);
    begin(response).write(event(chunk({ role: 'assistant', content: text.slice(0, half) })));
    response.write(event(chunk({ content: text.slice(half) })));
    response.write(event(chunk({}, finish)));
    if (usage !== null)
      response.write(
        event({ ...chunk({}), choices: [], usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens } }),
      );
    response.end(event('[DONE]'));
  };

/** Wants tools called, each with its arguments: a value, or a text that need be no JSON. The ids are made up anew each time. */
export const want =
  (calls: readonly (readonly [name: string, input: unknown])[], { text = '', finish = 'tool_calls' } = {}): Turn =>
  (response) => {
    begin(response);
    if (text !== '') response.write(event(chunk({ content: text })));
    for (const [index, [name, input]] of calls.entries()) {
      const args = typeof input === 'string' ? input : JSON.stringify(input);
      const half = Math.ceil(args.length / 2);
      response.write(
        event(chunk({ tool_calls: [{ index, id: randomUUID(), type: 'function', function: { name, arguments: args.slice(0, half) } }] })),
      );
      response.write(event(chunk({ tool_calls: [{ index, function: { arguments: args.slice(half) } }] })));
    }
    response.write(event(chunk({}, finish)));
    response.end(
      event({ ...chunk({}), choices: [], usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } }) + event('[DONE]'),
    );
  };

/** Answers properly, and slowly. */
export const sayInPieces =
  (pieces: readonly string[], everyMs: number): Turn =>
  (response) => {
    begin(response);
    pieces.forEach((content, index) => {
      setTimeout(() => response.write(event(chunk({ content }))), index * everyMs);
    });
    setTimeout(() => response.end(event(chunk({}, 'stop')) + event('[DONE]')), pieces.length * everyMs);
  };

export const fail =
  (status: number, headers: Readonly<Record<string, string>> = {}, body: unknown = { error: { message: `status ${status}` } }): Turn =>
  (response) => {
    response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
  };

/** Begins a stream, and drops the connection in the middle of it. */
export const cut: Turn = (response) => {
  begin(response).write(event(chunk({ content: 'The beginning of' })));
  setTimeout(() => response.destroy(), 30);
};
/** Begins a stream, and ends it politely without having finished. */
export const trailOff: Turn = (response) => void begin(response).end(event(chunk({ content: 'The beginning of' })));
export const malformed: Turn = (response) => void begin(response).end(event('{"id": not json'));
/** Takes the request and says nothing. */
export const silence: Turn = () => undefined;
/** Begins, and then says nothing more. */
export const stall: Turn = (response) => void begin(response).write(event(chunk({ content: 'Well' })));

/** A reply of this many bytes, in pieces, as fast as the other side takes it. */
export const flood =
  (bytes: number): Turn =>
  (response) => {
    begin(response);
    const piece = event(chunk({ content: 'x'.repeat(64 * 1024) }));
    let left = bytes;
    const more = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= piece.length;
        if (!response.write(piece)) return void response.once('drain', more);
      }
      if (!response.destroyed) response.end(event(chunk({}, 'stop')));
    };
    more();
  };

/** Turns away whoever has another key. */
export const withKey =
  (key: string, turn: Turn): Turn =>
  (response, request) =>
    (request.headers.authorization === `Bearer ${key}`
      ? turn
      : fail(
          401,
          {},
          { error: { message: `Incorrect API key provided: ${request.headers.authorization?.slice(7)}`, code: 'invalid_api_key' } },
        ))(response, request);
