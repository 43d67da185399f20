// Makes the golden files that are kept in the repository: small, so that the everyday test needs neither Node nor npm.
import fs from 'node:fs';
import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { portable, strings } from './strings.mjs';
import { templates } from './templates.mjs';
import { clock, render } from './render.mjs';
import { cases } from './conversations.mjs';
import { conversations } from './made-conversations.mjs';

const here = import.meta.dirname;
const read = (...parts) => JSON.parse(fs.readFileSync(path.join(here, ...parts), 'utf8'));

function write(name, value) {
  // One case a line, so that changes can be read.
  const lines = value.cases.map((item) => '    ' + JSON.stringify(item));
  const head = JSON.stringify({ ...value, cases: undefined }).slice(1, -1);
  fs.writeFileSync(path.join(here, name), `{\n${head ? '  ' + head + ',\n' : ''}  "cases": [\n${lines.join(',\n')}\n  ]\n}\n`);
}

for (const name of ['tiny-qwen', 'tiny-mixtral']) {
  const tokenizer = new Tokenizer(read(name, 'tokenizer.json'), read(name, 'tokenizer_config.json'));
  const golden = strings(400).map((text) => {
    const ids = tokenizer.encode(text.toWellFormed(), { add_special_tokens: false }).ids;
    // The reference loses a byte order mark that comes from byte tokens (TextDecoder): nothing to compare with.
    const decoded = text.startsWith('\ufeff') ? null : ids.length === 0 ? '' : tokenizer.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
    return { ...portable(text), ids, decoded };
  });
  write(`${name}.golden.json`, { cases: golden });
}

clock('2026-02-07T13:05:09Z');
for (const [name, template] of Object.entries(templates)) {
  const special = { bos_token: '<s>', eos_token: '</s>' };
  const chosen = name === 'harmony' ? conversations().slice(50) : cases().filter((_, i) => i % 3 === 0 || i > 50);
  write(`template-${name}.golden.json`, { template, special, cases: chosen.map((variables) => ({ variables, ...render(template, special, variables) })) });
}
