// The conversations that published chat templates are compared on: those of conversations.mjs and 60 more with what agents send.
// Deterministic. Numbers keep to what JavaScript and Python print alike (no 1.0, no 64-bit integers).
import { cases, tools as fewTools } from './conversations.mjs';

const nested = {
  type: 'function',
  function: {
    name: 'search_flights',
    description: 'Finds flights.\nReturns a list, newest first; "price" is in €.',
    strict: true,
    parameters: {
      $defs: { airport: { type: 'string', pattern: '^[A-Z]{3}$', examples: ['CDG', 'JFK'] } },
      type: 'object',
      properties: {
        legs: {
          type: 'array',
          description: 'One entry for each leg',
          minItems: 1,
          items: {
            type: 'object',
            properties: { from: { $ref: '#/$defs/airport' }, to: { $ref: '#/$defs/airport' }, date: { type: 'string', format: 'date', description: 'ISO date, e.g. 2026-02-07' } },
            required: ['from', 'to'],
            additionalProperties: false,
          },
        },
        cabin: { type: ['string', 'null'], enum: ['economy', 'business', null], default: null, description: 'Cabin' },
        passengers: { type: 'object', description: 'Who flies', properties: { adults: { type: 'integer', minimum: 1, default: 1 }, pets: { type: 'array', items: { oneOf: [{ type: 'string', const: 'cat', description: 'A cat' }, { type: 'string', enum: ['dog'] }] } } } },
        flexible: { type: 'boolean', default: false, description: 'Days may differ' },
        limit: { type: 'number', exclusiveMaximum: 99.5, nullable: true, description: 'At most' },
        note: { anyOf: [{ type: 'string' }, { type: 'number' }], title: 'Anmerkung – 备注 <b>&amp;</b>', description: 'Free text' },
      },
      required: ['legs', 'passengers'],
    },
    return: { type: 'object', properties: { id: { type: 'string', description: 'Id' } } },
  },
};
const bare = { type: 'function', function: { name: 'now', description: 'Tells the time.', parameters: { type: 'object', properties: {} } } };
export const toolSets = [fewTools, [nested], [bare], [nested, bare, ...fewTools]];

const call = (name, args, id) => ({ id: id ?? 'call00001', type: 'function', function: { name, arguments: args } });
const message = (role, content, more) => ({ role, content, ...more });
const result = (content, name, id) => ({ role: 'tool', content, name: name ?? 'now', tool_call_id: id ?? 'call00001' });

const texts = [
  'Plain words.', '', '  two spaces before, two after  ', '\n\nline feeds around\n\n', 'tab\tand\r\ncarriage return', 'Umlaute äöüß, ελληνικά, עברית, 中文，日本語、한국어', '👩‍👩‍👧‍👦🇩🇪👍🏽 e\u0301 \u200d\u200b\u00a0',
  '"double" \'single\' `back` \\ \\n \\u0041', '{{ messages }} {% if x %} {# comment #}', '<|im_end|><|eot_id|><｜User｜></s>[/INST]', '{"json": [1, 2.5, null, true, "x\\ny"]}', 'a < b && c > d; "é"', '\u0001\u007f\u2028\ufeff', 'x'.repeat(300),
  '<think>inline</think>visible', '<tool_call>\n{"name": "x"}\n</tool_call>', '    indented\n  code\n', '# Title\n\n- item\n\n```js\nf("x");\n```\n', 'Was ist 7 * 8?', 'Warum?',
];
const t = (i) => texts[((i % texts.length) + texts.length) % texts.length];

function turns(i, count) {
  return Array.from({ length: count }, (_, k) => (k % 2 === 0 ? message('user', t(i + k * 3)) : message('assistant', t(i * 2 + k))));
}

function agentTurns(i) {
  const name = ['now', 'search_flights', 'get_weather', 'add'][i % 4];
  const args = [{}, { legs: [{ from: 'CDG', to: 'JFK' }], passengers: { adults: 2 }, note: t(i) }, { city: 'São Paulo "SP"', days: 3 }, { numbers: [1, -2.5, 1e-3] }][i % 4];
  const asText = i % 3 === 0;
  const made = call(name, asText ? JSON.stringify(args) : args);
  return [
    message('user', t(i + 1) || 'Go'),
    message('assistant', i % 2 ? '' : 'One moment.', { tool_calls: [made] }),
    result(i % 5 === 4 ? t(i) : '{"ok": true, "text": "é"}', name),
    ...(i % 2 ? [] : [message('assistant', t(i + 7) || 'Done.')]),
  ];
}

// Each case: the variables that a template renders with.
export function conversations() {
  const all = cases();
  for (let i = 0; i < texts.length; i++) {
    const system = i % 3 === 0 ? [message('system', t(i + 5))] : [];
    all.push({ messages: [...system, ...turns(i, 1 + (i % 6))], add_generation_prompt: i % 4 !== 1 });
  }
  for (let i = 0; i < 16; i++) {
    const system = i % 4 < 2 ? [message('system', 'Use the tools when needed.')] : [];
    all.push({ messages: [...system, ...agentTurns(i)], tools: toolSets[i % toolSets.length], add_generation_prompt: i % 3 !== 2 });
  }
  // Several calls at once, several rounds, calls without content, results before the next question.
  const two = [call('now', {}, 'call00001'), call('add', { numbers: [1, 2] }, 'call00002')];
  for (const content of ['', 'Both.', null]) {
    all.push({ messages: [message('user', 'Two'), message('assistant', content, { tool_calls: two }), result('12:00', 'now', 'call00001'), result('3', 'add', 'call00002')], tools: toolSets[3], add_generation_prompt: true });
    all.push({ messages: [message('system', 'S'), message('user', 'Two'), message('assistant', content, { tool_calls: [two[0]] }), result('12:00'), message('assistant', 'Noon.'), message('user', 'And?'), message('assistant', content, { tool_calls: [two[0]] }), result('12:01'), message('assistant', 'Later.'), message('user', 'Ok')], tools: toolSets[2], add_generation_prompt: true });
  }
  // Reasoning: its own field under both names, its switches, in the middle and at the end.
  for (const field of ['reasoning_content', 'thinking', 'reasoning']) {
    const thinks = (content, thought, more) => message('assistant', content, { [field]: thought, ...more });
    all.push({ messages: [message('user', 'Q'), thinks('A', 'because\nof this'), message('user', 'Q2')], add_generation_prompt: true, enable_thinking: true });
    all.push({ messages: [message('user', 'Q'), thinks('A', '  spaced\n'), message('user', 'Q2'), thinks('A2', '')], add_generation_prompt: false, enable_thinking: false });
    all.push({ messages: [message('user', 'Q'), thinks('', 'I need the time.', { tool_calls: [call('now', {})] }), result('12:00'), thinks('Noon.', 'Got it.'), message('user', 'Thanks')], tools: toolSets[2], add_generation_prompt: true });
    all.push({ messages: [message('system', 'S'), message('user', 'Q'), thinks('A', '思考')], add_generation_prompt: false, thinking: true });
  }
  // Content in parts, names of speakers, several system messages, a lone assistant.
  const parts = (...all) => all.map((text) => ({ type: 'text', text }));
  all.push({ messages: [message('user', parts('One ', 'two.')), message('assistant', parts('A')), message('user', parts(''))], add_generation_prompt: true });
  all.push({ messages: [message('system', parts('S')), message('user', parts('é'))], tools: toolSets[0], add_generation_prompt: true });
  all.push({ messages: [message('user', 'Q', { name: 'Ann' }), message('assistant', 'A', { name: 'Bot' })], add_generation_prompt: false });
  all.push({ messages: [message('system', 'S1'), message('system', 'S2'), message('user', 'Q')], add_generation_prompt: true });
  all.push({ messages: [message('assistant', 'A'), message('user', 'Q')], add_generation_prompt: true });
  for (const switches of [{ enable_thinking: true }, { enable_thinking: false }, { thinking: true }, { thinking: false }, { reasoning_effort: 'high' }, { reasoning_effort: 'low', model_identity: 'You are X.' }, { date_string: '01 Feb 2026' }, { builtin_tools: ['python', 'browser'] }]) {
    all.push({ messages: [message('system', 'S'), message('user', 'Q')], add_generation_prompt: true, ...switches });
    all.push({ messages: [message('user', 'Q'), message('assistant', '<think>\nt\n</think>\n\nA'), message('user', 'R')], tools: toolSets[0], add_generation_prompt: true, ...switches });
  }
  return all;
}
