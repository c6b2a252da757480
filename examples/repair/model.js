/**
 * A scripted model behind real HTTP, in the OpenAI chat format: it reads the file, mends one line, runs the test, and says
 * what it did. Prints its address; SIGTERM ends it.
 */
import { createServer } from 'node:http';

const THINK_MS = 300;
const CURES = {
  slug: { path: 'src/slug.js', old: '/[^a-z0-9]/g', new: '/[^a-z0-9]+/g', said: 'Anything between words is one dash now.' },
  duration: { path: 'src/duration.js', old: 'seconds = Number', new: 'seconds += Number', said: 'All parts of a duration count now.' },
};

/** What comes next, by what was done already. */
function next(messages) {
  const prompt = JSON.stringify(messages);
  const name = prompt.includes('test/slug.test.js') ? 'slug' : 'duration';
  const { path, said, ...edit } = CURES[name];
  const calls = [
    ['files_read', { path }],
    ['files_edit', { path, old: edit.old, new: edit.new }],
    ['test_run', {}],
  ];
  const done = messages.filter(({ role }) => role === 'tool').length;
  return done < calls.length ? { call: calls[done] } : { said };
}

const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => setTimeout(() => answer(JSON.parse(body), response), THINK_MS));
});

function answer(chat, response) {
  const { call, said } = next(chat.messages);
  const tool_calls = call && [
    { index: 0, id: `call_${chat.messages.length}`, type: 'function', function: { name: call[0], arguments: JSON.stringify(call[1]) } },
  ];
  const message = call ? { role: 'assistant', content: null, tool_calls } : { role: 'assistant', content: said };
  const finish_reason = call ? 'tool_calls' : 'stop';
  const prompt_tokens = Math.ceil(JSON.stringify(chat.messages).length / 4);
  const usage = { prompt_tokens, completion_tokens: 40, total_tokens: prompt_tokens + 40 };
  const head = { id: 'chat-1', created: 0, model: chat.model };
  if (!chat.stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...head, object: 'chat.completion', choices: [{ index: 0, message, finish_reason }], usage }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (choices, more = {}) =>
    response.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`);
  send([{ index: 0, delta: message, finish_reason: null }]);
  send([{ index: 0, delta: {}, finish_reason }]);
  send([], { usage });
  response.end('data: [DONE]\n\n');
}

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  console.log(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/v1`);
});
process.on('SIGTERM', () => process.exit(0));
