// 2,000 strings of every kind that has ever cut a text wrongly, for the published tokenizers: the written ones of strings.mjs,
// then a share of each kind below. Deterministic, and independent of the Unicode version that the JavaScript engine knows: code
// points come from blocks that were settled long ago.
import { generator, strings } from './strings.mjs';
import { snippets } from './snippets.mjs';

const next = generator(20261);
const pick = (list) => list[next(list.length)];
const between = (low, high) => low + next(high - low + 1);
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const joined = (low, high, make) => times(between(low, high), make).join('');
const point = (ranges) => {
  const [first, last] = pick(ranges);
  return String.fromCodePoint(between(first, last));
};

const latin = [[0x61, 0x7a], [0x61, 0x7a], [0x41, 0x5a], [0xc0, 0xd6], [0xd8, 0xf6], [0xf8, 0x17f]];
const letters = {
  latin,
  greek: [[0x391, 0x3a1], [0x3b1, 0x3c9]],
  cyrillic: [[0x410, 0x44f], [0x400, 0x45f]],
  hebrew: [[0x5d0, 0x5ea]],
  arabic: [[0x621, 0x63a], [0x641, 0x64a], [0x671, 0x6d3]],
  devanagari: [[0x904, 0x939], [0x93e, 0x94c]],
  thai: [[0xe01, 0xe3a], [0xe40, 0xe4e]],
  georgian: [[0x10d0, 0x10f0]],
  hangul: [[0xac00, 0xd7a3]],
  jamo: [[0x1100, 0x1112], [0x1161, 0x1175], [0x11a8, 0x11c2]],
  kana: [[0x3041, 0x3096], [0x30a1, 0x30fa]],
  han: [[0x4e00, 0x9fa5], [0x4e00, 0x9fa5], [0x3400, 0x4db5], [0x20000, 0x2a6d6], [0xf900, 0xfa2d]],
  mathematical: [[0x1d400, 0x1d454], [0x1d7ce, 0x1d7ff]],
  deseret: [[0x10400, 0x1044f]],
  cherokee: [[0x13a0, 0x13f4]],
};
const scripts = Object.keys(letters);
const word = (script = pick(scripts)) => joined(1, 9, () => point(letters[script]));
const spaces = [' ', ' ', ' ', '\n', '\t', '\r\n', '\r', '\u00a0', '\u3000', '\u2003', '\u2009', '\u202f', '\u205f', '\u1680', '\u2028', '\u2029', '\u0085', '\v', '\f', '\u200b', '\u2060'];
const marks = [[0x300, 0x36f], [0x300, 0x345], [0x483, 0x487], [0x591, 0x5bd], [0x64b, 0x652], [0x93c, 0x93c], [0x94d, 0x94d], [0xe48, 0xe4b], [0x1dc0, 0x1dca], [0x20d0, 0x20dc], [0x302a, 0x302f], [0x3099, 0x309a], [0xfe20, 0xfe23], [0x1d165, 0x1d169]];
const faces = ['😀', '😂', '🥹', '❤', '☺', '✌', '👍', '👋', '🤝', '🧑', '👩', '👨', '🐈', '🏳', '🏴', '⚕', '🌈', '🚀', '💻', '0', '#', '©', '‼', '⏰', '🀄', '🅰', '㊗'];
const digits = [[0x30, 0x39], [0x30, 0x39], [0x660, 0x669], [0x6f0, 0x6f9], [0x966, 0x96f], [0xff10, 0xff19], [0x1d7ce, 0x1d7ff], [0x2160, 0x216f], [0x2460, 0x2473], [0xb2, 0xb3], [0xbc, 0xbe], [0x2080, 0x2089], [0x3021, 0x3029]];
const signs = [[0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e], [0xa1, 0xbf], [0x2010, 0x2027], [0x2030, 0x205e], [0x20a0, 0x20bf], [0x2190, 0x21ff], [0x2200, 0x22ff], [0x2500, 0x257f], [0x3001, 0x3003], [0x3008, 0x3011], [0xff01, 0xff0f], [0x1f300, 0x1f320]];
const anywhere = [[0, 0x7f], [0x80, 0x24f], [0x250, 0x52f], [0x590, 0x5ff], [0x600, 0x6ff], [0x900, 0xdff], [0xe00, 0x109f], [0x1100, 0x13ff], [0x1e00, 0x1fff], [0x2000, 0x2bff], [0x2e80, 0x9fa5], [0xa000, 0xa48c], [0xac00, 0xd7a3], [0xe000, 0xf8ff], [0xf900, 0xffff], [0x10000, 0x105ff], [0x12000, 0x12399], [0x1d000, 0x1d7ff], [0x1f000, 0x1f6ff], [0x20000, 0x2fa1d], [0xe0000, 0xe01ef], [0xffff0, 0x10ffff]];
const special = [
  '<|im_start|>', '<|im_end|>', '<|endoftext|>', '<think>', '</think>', '<tool_call>', '</tool_call>', '<tool_response>', '<|vision_start|>', '<|box_end|>', '<|fim_prefix|>', '<|repo_name|>',
  '<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>', '<｜User｜>', '<｜Assistant｜>', '<｜▁pad▁｜>', '<｜tool▁calls▁begin｜>', '<｜tool▁sep｜>', '<｜fim▁hole｜>', '<|EOT|>', '<｜place▁holder▁no▁1｜>', '<｜place▁holder▁no▁12｜>',
  '<|begin_of_text|>', '<|end_of_text|>', '<|eot_id|>', '<|start_header_id|>', '<|end_header_id|>', '<|reserved_special_token_1|>', '<|reserved_special_token_10|>', '<|reserved_special_token_100|>',
  '<|start|>', '<|end|>', '<|message|>', '<|channel|>', '<|return|>', '<|call|>', '<|constrain|>', '<|startoftext|>', '<|reserved_200000|>', '<|endofprompt|>', '<s>', '</s>', '<unk>', '<0x41>', '<0xE2>', '[INST]', '[/INST]', '<<SYS>>',
];

const kinds = {
  code: () => {
    const lines = pick(snippets).split('\n');
    const start = next(lines.length);
    const indent = pick(['', '', '    ', '\t', '  ', '\t\t', '        ']);
    return lines.slice(start, start + between(1, 14)).map((line) => indent + line).join(pick(['\n', '\n', '\r\n'])).replaceAll('NAME', word('latin')).replaceAll('42', String(next(100000)));
  },
  words: () => joined(1, 12, () => word() + pick(spaces)),
  cjk: () => joined(1, 30, () => pick([() => point(letters.han), () => point(letters.kana), () => point(letters.hangul), () => pick(['，', '。', '！', '？', '「', '」', '、', '：', '・', 'ー', '々', '　', ' ']), () => word('latin'), () => String(next(1000))])()),
  emoji: () => joined(1, 8, () => pick([
    () => pick(faces) + pick(['', '\ufe0f', '\ufe0e']),
    () => pick(['👍', '👋', '🧑', '👩', '🤝']) + String.fromCodePoint(0x1f3fb + next(5)),
    () => times(between(2, 4), () => pick(['👨', '👩', '👧', '👦', '🧑', '❤️', '💻', '🚀', '🌈', '🏳️', '⚕️'])).join('\u200d'),
    () => String.fromCodePoint(0x1f1e6 + next(26), 0x1f1e6 + next(26)),
    () => String.fromCodePoint(0x1f1e6 + next(26)),
    () => pick(['0', '7', '#', '*']) + '\ufe0f\u20e3',
    () => '🏴' + [...pick(['gbeng', 'gbsct', 'usca'])].map((c) => String.fromCodePoint(0xe0000 + c.codePointAt(0))).join('') + '\u{e007f}',
    () => pick([' ', 'ok', '\u200d', '!', '\n']),
  ])()),
  combining: () => joined(1, 10, () => point(letters[pick(scripts)]) + joined(0, 4, () => point(marks)) + pick(['', '', ' '])),
  normalization: () => joined(1, 10, () => pick([
    () => point([[0xc0, 0x17f], [0x1e00, 0x1ef9], [0x1f00, 0x1f15], [0x1f80, 0x1faf]]).normalize(pick(['NFC', 'NFD'])),
    () => pick(['\u212b', '\u2126', '\u212a', '\u0340', '\u0341', '\u0343', '\u0344', '\u0374', '\u037e', '\u0387', '\u0958', '\u095f', '\u09dc', '\u0f43', '\u0f73', '\u0f81', '\ufb1d', '\ufb4e', '\u2adc', '\u{1d15e}', '\u{1d1c0}', '\u{2f800}', '\u{2fa1d}', '\uf900', '\ufa0e']),
    () => joined(2, 3, () => point(letters.jamo)),
    () => point(letters.hangul) + point([[0x11a7, 0x11c3]]),
    () => point(letters.latin) + joined(1, 5, () => point(marks)),
    () => pick(['ﬁ', '²', '½', '㎏', 'Ⅷ', '\u1e9b\u0323', '\u09c7\u09be', '\u0b47\u0b56', '\u1025\u102e', '\u{11099}\u{110ba}', 'ら\u3099', 'カ\u3099', 'ハ\u309a', ' ', 'x']),
  ])()),
  rightToLeft: () => joined(1, 10, () => word(pick(['hebrew', 'arabic'])) + pick([' ', ' ', '\u200f', '\u200e', '\u202b', '\u202c', '\u2067', '\u2069', '، ', '؟ ', '־', '\u0640', ' abc ', ' 12 '])),
  whitespace: () => joined(1, 8, () => pick(spaces).repeat(pick([1, 1, 2, 3, 4, 7, 8, 15, 16, 31, 64])) + pick(['', 'x', '.', '\u0301', '7'])),
  manySpaces: () => pick(['', 'a', '\n']) + pick([' ', '\t', '\n', '\r\n', '\u3000', ' \n', '\n ']).repeat(between(1, 300)) + pick(['', 'b', '{', '\n']),
  digits: () => joined(1, 24, () => point(digits) + pick(['', '', '', '', ',', '.', ' ', '-', 'e', 'x'])),
  longDigits: () => pick(['', '-', 'x', ' ']) + joined(5, 200, () => String(next(10))),
  specials: () => joined(1, 6, () => pick([() => pick(special), () => pick(special), () => pick(special).slice(0, between(1, 6)), () => pick(special).slice(between(1, 3)), () => pick(special).toUpperCase(), () => pick(spaces).repeat(between(1, 3)), () => word('latin')])()),
  conversation: () => joined(1, 4, () => pick([
    () => `<|im_start|>${pick(['user', 'assistant', 'system'])}\n${word()} ${word()}<|im_end|>\n`,
    () => `<｜User｜>${word()}<｜Assistant｜>${word()}<｜end▁of▁sentence｜>`,
    () => `<|start_header_id|>user<|end_header_id|>\n\n${word()}<|eot_id|>`,
    () => `<|start|>assistant<|channel|>analysis<|message|>${word()}<|end|>`,
    () => `<s>[INST] ${word()} [/INST] ${word()}</s>`,
  ])()),
  longWord: () => {
    const unit = pick([() => point(latin), () => word('latin'), () => pick(['ab', 'answer', '=', '-', '/', 'ñ', '的', 'ﷺ', '!?', '\ud83d\ude00', 'e\u0301']), () => point(letters.han)]);
    const once = unit();
    return next(2) ? once.repeat(Math.ceil(between(100, 3000) / once.length)) : joined(50, 1500, unit);
  },
  encoded: () => pick([
    () => Buffer.from(times(between(1, 300), () => next(256))).toString('base64'),
    () => Buffer.from(times(between(1, 100), () => next(256))).toString('hex'),
    () => encodeURIComponent(joined(1, 20, () => word())),
    () => JSON.stringify({ [word()]: [word(), next(1000) / 7, null, { [word()]: joined(1, 4, () => point(anywhere.slice(0, 8))) }] }),
  ])(),
  control: () => joined(1, 12, () => pick([() => String.fromCharCode(next(32)), () => '\u0000', () => String.fromCharCode(0x7f + next(34)), () => pick(['\ufeff', '\ufffe', '\uffff', '\ufffd', '\u{1fffe}', '\ufff9', '\u00ad', '\u061c', '\u180e', '\ue000', '\u{f0000}']), () => word('latin'), () => ' '])()),
  surrogates: () => joined(1, 8, () => pick([() => String.fromCharCode(0xd800 + next(0x400)), () => String.fromCharCode(0xdc00 + next(0x400)), () => '\udc00\ud800', () => pick(['a', ' ', '\n', '😀', '<|im_end|>', '\u0301', '1', '好', '.'])])()),
  punctuation: () => joined(1, 30, () => point(signs) + pick(['', '', ' ', 'a', '\n'])),
  contractions: () => joined(1, 8, () => pick(['I', 'we', 'DON', 'they', 'it', 'é', '你', '1', '']) + pick(["'", '’', "''", 'ʼ']) + pick(['s', 'S', 't', 'll', 'LL', 'Ve', 're', 'm', 'd', 'ſ', 'x', 'ever', '']) + pick([' ', '', '\n'])),
  anything: () => joined(1, 30, () => point(anywhere)),
};

export function varied(count) {
  const all = strings(500);
  const makers = Object.values(kinds);
  for (let i = 0; all.length < count; i++) all.push(makers[i % makers.length]());
  return all;
}
