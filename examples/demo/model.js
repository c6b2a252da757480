/**
 * A scripted model behind real HTTP: speaks the OpenAI chat format, streams where asked to, takes its time like a model,
 * and turns one translation away with 429 the first time. Runs as a process of its own, so that it outlives the engine
 * that the demo kills. Prints its address; SIGTERM ends it.
 */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const LOG = process.argv[2] ?? '/dev/null';
const THINK_MS = 600;
const turnedAway = new Set();

const GREETING = {
  German: '### Neu\n\n- Wörter bleiben beim Umbruch ganz.\n- Akzente stören Adressen nicht mehr.',
  French: '### Nouveautés\n\n- Les mots longs restent entiers.\n- Les accents ne gênent plus les adresses.',
  Japanese: '### 新機能\n\n- 長い単語は分割されません。\n- アクセント記号は取り除かれます。',
  Spanish: '### Novedades\n\n- Las palabras largas quedan enteras.\n- Los acentos ya no molestan en las direcciones.',
};

/** The text a model would have written. */
function answer(prompt) {
  const language = /^Translate into (\w+)/m.exec(prompt)?.[1];
  if (language !== undefined) return GREETING[language] ?? `### ${language}\n\n- (translated)`;
  const title = /titled "([^"]*)"/.exec(prompt)?.[1] ?? 'Unreleased';
  const commits = [...prompt.matchAll(/^[0-9a-f]{7,} (.+)$/gm)].map((match) => `- ${match[1]}`);
  return JSON.stringify({ title, body: commits.slice(0, 8).join('\n') || '- Nothing of note.' });
}

const text = (content) =>
  typeof content === 'string' ? content : Array.isArray(content) ? content.map((part) => part.text ?? '').join('') : '';

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    const chat = JSON.parse(body);
    const prompt = text(chat.messages.findLast((message) => message.role === 'user')?.content);
    const language = /^Translate into (\w+)/m.exec(prompt)?.[1] ?? 'notes';
    if (language === 'French' && !turnedAway.has(language)) {
      turnedAway.add(language);
      appendFileSync(LOG, `429 ${language}\n`);
      response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '1' });
      response.end(JSON.stringify({ error: { message: 'Slow down, please.', type: 'rate_limit', code: 'rate_limited' } }));
      return;
    }
    setTimeout(() => {
      appendFileSync(LOG, `200 ${language}\n`);
      reply(response, chat, answer(prompt), Math.ceil(prompt.length / 4));
    }, THINK_MS);
  });
});

function reply(response, chat, content, promptTokens) {
  const usage = {
    prompt_tokens: promptTokens,
    completion_tokens: Math.ceil(content.length / 4),
    total_tokens: promptTokens + Math.ceil(content.length / 4),
  };
  const head = { id: 'chat-1', created: 0, model: chat.model };
  if (!chat.stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }];
    response.end(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (choices, more = {}) =>
    response.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
  for (const piece of content.match(/[\s\S]{1,24}/g) ?? [])
    send([{ index: 0, delta: { role: 'assistant', content: piece }, finish_reason: null }]);
  send([{ index: 0, delta: {}, finish_reason: 'stop' }]);
  send([], { usage });
  response.end('data: [DONE]\n\n');
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/v1`);
});
process.on('SIGTERM', () => process.exit(0));
