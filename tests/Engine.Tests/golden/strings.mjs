// The strings that tokenizers are compared on: written by hand, then mixed from fragments by a seeded generator.

const written = [
  '', ' ', '  ', '   ', '\n', '\n\n', '\r\n', '\t', ' \n ', '\u00a0', '\u3000', '\u2003x', 'a\u0085b', '\ufeffusing System;', '\u200b', '\u200d',
  'a', 'Hello', ' Hello', 'Hello, world!', 'Hello  world', 'Hello   world', 'trailing ', 'trailing   ', '  leading', 'tab\tbetween', 'line\nbreak',
  'line\r\nbreak\r\n\r\n', ' \n\n  indented', 'a  \n  b', '\n \n \n', 'x\n\n\n\ny', "it's", "IT'S", "I'll we've they'd you're I'm can't", "'s 'T 'Re",
  'don’t', "''s", "o'clock", '1', '12', '123', '1234', '12345', '1234567890', '3.14159', '1,000,000', '0x1F', '1e-9', '٣٤٥', '四百二十', 'Ⅻ', '½ ¾',
  'x²', 'H₂O', '348 + 275 = 623', '27*8=216', 'What is 348 + 275?', 'snake_case_name', 'camelCaseName', 'PascalCase', 'SCREAMING_CASE', 'kebab-case',
  'HTTPServer2', 'iPhone15Pro', 'v1.2.3-rc.1', 'foo@example.com', 'https://example.com/a/b?c=d&e=%20f#g', 'C:\\Windows\\System32', '/usr/local/bin',
  'int main() { return 0; }', 'for (int i = 0; i < n; ++i) {\n    sum += a[i];\n}\n', 'def f(x):\n\treturn x ** 2\n', 'if(a&&b||!c){}', 'a->b::c',
  '{"key": "value", "n": [1, 2, 3]}', '<div class="x">text</div>', '<!-- comment -->', '// comment\n', '/* a */', '# Title\n\n- item\n- item\n',
  '```python\nprint("hi")\n```', 'SELECT * FROM t WHERE a >= 1;', '$x = "y";', '\\frac{a}{b}', '...', '…', '???!!!', '!!', '-----', '=====', '/////',
  '***bold***', '()[]{}', '"quoted"', '“quoted”', '«quoted»', '—', '–', '•', '© ® ™', '€100 £5 ¥7', '°C', '±', '→ ← ⇒', '∑∫√', 'αβγ', 'ΑΒΓ',
  'Привет, мир!', 'ПРИВЕТ', 'Straße', 'ẞ', 'naïve café', 'cafe\u0301', 'e\u0301\u0323', 'A\u030a', 'Å', '\u212b', 'ñ n\u0303', 'Zürich', 'İstanbul ıi',
  'Tiếng Việt', 'ệ e\u0323\u0302', 'ﬁ ﬂ', 'ſ', "'ſ", '\u212a', 'שלום עולם', 'مرحبا بالعالم', 'नमस्ते दुनिया', 'สวัสดีชาวโลก', 'ကမ္ဘာ', 'ქართული', 'Հայերեն',
  '你好，世界！', '今天天气很好。', '你好 世界', '中文English混合123', '日本語のテキスト', 'カタカナ', 'ひらがな', 'ｶﾀｶﾅ', 'ＦＵＬＬ　ＷＩＤＴＨ', '한국어 텍스트', '\u1112\u1161\u11ab',
  '\u1100\u1161', '각', '々', '〇', '龥龦', '𠀀𠀁', '𪚥', '𝒳𝒴', '𝟙𝟚', '𐐷', '𞤀', '😀', '😀😀', '👍🏽', '👨‍👩‍👧‍👦', '🇩🇪🇫🇷', '❤️', '☺', '✓✗', '🏳️‍🌈', 'a😀b', ' 😀 ', '\u{10ffff}',
  '\u0000', 'a\u0000b', '\u0001\u0002', '\u007f', '\u0080', '\ufffd', '\ufffe', '\ue000', '\ud800', 'a\ud800b', '\udc00', '\udc00\ud800', 'x\ud83d', '\ud83d\ud83d\ude00',
  'z\u0301\u0302\u0303\u0304', '\u0301', ' \u0301', '\u0344', '\u0958', '\u2126', '\uf900', '\u{2f800}', '\u{1d15e}', '\u0f73', 'q\u0307\u0323', '\u1e9b\u0323',
  '<|im_start|>', '<|im_end|>', '<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n', '<|endoftext|>', ' <|im_end|> ', 'a<|im_end|>b', '<|im_end|><|im_end|>',
  '<|im_start', '|im_end|>', '<|IM_END|>', '<| im_end |>', '<think>\nhm\n</think>\n\nok', '<tool_call>', '</tool_call>x', '<|begin_of_text|>x', '<|eot_id|>',
  '<｜User｜>hi<｜Assistant｜>', '<｜begin▁of▁sentence｜>', '<｜end▁of▁sentence｜>', '<|start|>user<|message|>hi<|end|>', '<|return|>', '<s>', '</s>', '<s>a</s> b', '[INST] hi [/INST]',
  '<unk>', '<0x0A>', '▁', '▁a ▁b', 'a▁b', 'Ġ', 'ĠĠ', 'Ċ', 'Ã©', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'ababababababababababababababab',
  '                                                                ', '\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n', '\t\t\t\t\t\t\t\tx', ' \t \t \n \t', '================================',
  '0000000000000000000000000000', '。。。。。。。。', '哈哈哈哈哈哈哈哈哈哈', 'The quick brown fox jumps over the lazy dog.', 'THE QUICK BROWN FOX', 'mixedCASE WORDS likeThis ANDThat',
  'ÀÉÎÕÜ', 'straßeSTRASSE', 'ǅ ǈ ǋ', 'ʰʲʷ', 'aʰB', 'ªº', 'Ω≈ç√∫˜µ≤≥÷', 'åß∂ƒ©˙∆˚¬', '1st 2nd 3rd', 'x1y2z3', '3D 4K', '10%', '#hashtag @user', 'a/b/c', "rock 'n' roll",
];

const fragments = [
  ' ', '  ', '\n', '\n\n', '\t', '\r\n', '\u00a0', '\u3000', 'the', ' of', 'Hello', 'WORLD', 'ing', "'s", "'LL", '1', '42', '2024', ',', '.', '!?', ' (', ')', '{', '}\n', ' =',
  ' ==', '->', '://', '_', '-', '"', '\\', 'é', 'e\u0301', '\u0323', 'ü', 'ß', 'д', 'мир', 'λ', 'ع', 'ह', 'ि', '你', '好的', '，', '。', 'の', 'カ', '한', '\u1100\u1161', '😀',
  '👍🏽', '\u200d', '❤️', '𝒳', '𠀀', '𝟙', '²', '½', '…', '—', '€', '∑', '\u0000', '\u0085', '\ud800', '\udc00', '<|im_end|>', '<think>', '<|endoftext|>', '<', '|>', 'A', 'b', 'Zq',
];

// Small, seeded, and the same everywhere.
export function generator(seed) {
  let state = seed >>> 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * bound);
  };
}

export function strings(count) {
  const next = generator(12345);
  const all = [...written];
  while (all.length < count) {
    let text = '';
    for (let n = 1 + next(12); n > 0; n--) {
      text += fragments[next(fragments.length)];
    }
    all.push(text);
  }
  return all;
}

// A text as JSON can carry it: one that is not valid UTF-16 travels as its units.
export function portable(text) {
  return text.isWellFormed() ? { text } : { units: Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)) };
}
