// Chats through the official openai client, with and without streaming, and prints both texts as JSON.
// Usage: node chat.mjs BASE_URL MODEL PROMPT
import OpenAI from "openai";

const [baseURL, model, prompt] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 0, timeout: 60_000 });
const request = { model, messages: [{ role: "user", content: prompt }], temperature: 0, max_tokens: 64, seed: 7 };

const whole = await client.chat.completions.create(request);

let streamed = "";
let usage = null;
let finish = null;
const stream = await client.chat.completions.create({ ...request, stream: true, stream_options: { include_usage: true } });
for await (const chunk of stream) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
  finish = chunk.choices[0]?.finish_reason ?? finish;
  usage = chunk.usage ?? usage;
}

const models = [];
for await (const entry of client.models.list()) models.push(entry.id);

let refusal = null;
try {
  await client.chat.completions.create({ ...request, model: "no-such-model" });
} catch (error) {
  refusal = { status: error.status, code: error.code, message: error.message };
}

console.log(JSON.stringify({
  whole: whole.choices[0].message.content,
  wholeFinish: whole.choices[0].finish_reason,
  wholeUsage: whole.usage,
  streamed,
  streamedFinish: finish,
  streamedUsage: usage,
  models,
  refusal,
}));
