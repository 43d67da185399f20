// Makes the two small tokenizers of the everyday test: byte-level BPE in Qwen3's layout and character BPE with byte fallback
// in Mixtral's. Run once; the results are kept.
import fs from 'node:fs';
import path from 'node:path';
import { strings } from './strings.mjs';

const here = import.meta.dirname;
const corpus = [...strings(400), ...Array.from({ length: 40 }, (_, i) => `The answer to ${i} + ${i * 7} is ${i * 8}. What is ${i * 3} * ${i}? Hello, you are the user.`)].map((s) => s.toWellFormed());
const qwenPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

function byteAlphabet() {
  const letters = [];
  let next = 256;
  for (let b = 0; b < 256; b++) {
    const printable = (b >= 0x21 && b <= 0x7e) || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    letters.push(String.fromCodePoint(printable ? b : next++));
  }
  return letters;
}

// Plain byte pair training: the most frequent neighbours merge, ties in favour of the first seen.
function train(words, count) {
  let split = words.map((word) => Array.from(word));
  const merges = [];
  while (merges.length < count) {
    const pairs = new Map();
    for (const word of split) {
      for (let i = 0; i + 1 < word.length; i++) {
        const key = word[i] + '\u0000' + word[i + 1];
        pairs.set(key, (pairs.get(key) ?? 0) + 1);
      }
    }
    let best = null;
    for (const [key, seen] of pairs) {
      if (seen > 1 && (best === null || seen > pairs.get(best))) best = key;
    }
    if (best === null) break;
    const [left, right] = best.split('\u0000');
    merges.push([left, right]);
    split = split.map((word) => {
      const merged = [];
      for (let i = 0; i < word.length; i++) {
        if (i + 1 < word.length && word[i] === left && word[i + 1] === right) {
          merged.push(left + right);
          i++;
        } else {
          merged.push(word[i]);
        }
      }
      return merged;
    });
  }
  return merges;
}

function added(id, content, special, more = {}) {
  return { id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special, ...more };
}

function save(name, tokenizer, config) {
  const folder = path.join(here, name);
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(tokenizer, null, 1).replace(/\n\s{3,}/g, ' ') + '\n');
  fs.writeFileSync(path.join(folder, 'tokenizer_config.json'), JSON.stringify(config, null, 2) + '\n');
}

function makeQwen() {
  const letters = byteAlphabet();
  const pattern = /'(?:s|t|re|ve|m|ll|d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+/gu;
  const words = corpus.flatMap((text) => text.normalize('NFC').match(pattern) ?? []).map((word) => Array.from(Buffer.from(word), (b) => letters[b]).join(''));
  const merges = train(words, 340);
  const vocab = {};
  for (const token of [...letters, ...merges.map(([a, b]) => a + b)]) vocab[token] ??= Object.keys(vocab).length;
  const first = Object.keys(vocab).length;
  const tokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'].map((text, i) => added(first + i, text, true));
  tokens.push(...['<think>', '</think>', '<tool_call>', '</tool_call>'].map((text, i) => added(first + 3 + i, text, false)));
  tokens.push(added(first + 7, '<mask>', true, { lstrip: true }), added(first + 8, '<sep>', true, { rstrip: true }), added(first + 9, '        ', false, { normalized: true }));
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false };
  save('tiny-qwen', {
    version: '1.0', truncation: null, padding: null, added_tokens: tokens, normalizer: { type: 'NFC' },
    pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Split', pattern: { Regex: qwenPattern }, behavior: 'Isolated', invert: false }, level] },
    post_processor: level, decoder: level,
    model: { type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false, ignore_merges: false, vocab, merges },
  }, {
    add_bos_token: false, bos_token: null, eos_token: '<|im_end|>', pad_token: '<|endoftext|>', unk_token: null, clean_up_tokenization_spaces: false, tokenizer_class: 'Qwen2Tokenizer',
    chat_template: "{%- for message in messages %}\n    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}",
  });
}

function makeMixtral() {
  const words = corpus.map((text) => '▁' + text.replaceAll(' ', '▁'));
  const merges = train(words, 200);
  const characters = new Set(words.join('').replace(/[^\u0020-\u024f\u2581]/gu, ''));
  const vocab = { '<unk>': 0, '<s>': 1, '</s>': 2 };
  for (let b = 0; b < 256; b++) vocab[`<0x${b.toString(16).toUpperCase().padStart(2, '0')}>`] = 3 + b;
  const known = merges.filter(([a, b]) => Array.from(a + b).every((c) => characters.has(c)));
  for (const token of [...characters, ...known.map(([a, b]) => a + b)]) vocab[token] ??= Object.keys(vocab).length;
  save('tiny-mixtral', {
    version: '1.0', truncation: null, padding: null, added_tokens: [added(0, '<unk>', true), added(1, '<s>', true), added(2, '</s>', true)],
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '▁' }, { type: 'Replace', pattern: { String: ' ' }, content: '▁' }] },
    pre_tokenizer: null,
    post_processor: {
      type: 'TemplateProcessing', single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }], pair: [],
      special_tokens: { '<s>': { id: '<s>', ids: [1], tokens: ['<s>'] } },
    },
    decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: { String: '▁' }, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
    model: { type: 'BPE', dropout: null, unk_token: '<unk>', continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: true, byte_fallback: true, vocab, merges: known.map(([a, b]) => `${a} ${b}`) },
  }, { add_bos_token: true, add_eos_token: false, bos_token: '<s>', eos_token: '</s>', unk_token: '<unk>', clean_up_tokenization_spaces: false, tokenizer_class: 'LlamaTokenizer' });
}

makeQwen();
makeMixtral();
