// Conversations and tools that chat templates are compared on.

export const tools = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Gets the weather at a place, "now" or later.',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string', description: 'Name of the city' },
          days: { type: 'integer', description: 'Days ahead', default: 1 },
          unit: { type: 'string', enum: ['celsius', 'fahrenheit'] },
        },
        required: ['city'],
      },
    },
  },
  {
    type: 'function',
    function: {
      name: 'add',
      description: 'Adds numbers: a < b & c > d, é, 数字.',
      parameters: { type: 'object', properties: { numbers: { type: 'array', items: { type: 'number' } } }, required: ['numbers'] },
    },
  },
];

const call = (name, args) => ({ id: 'call00001', type: 'function', function: { name, arguments: args } });

const user = (content) => ({ role: 'user', content });
const assistant = (content) => ({ role: 'assistant', content });
const system = (content) => ({ role: 'system', content });

const texts = [
  'Hi', 'What is 348 + 275?', ' spaces around \n', 'Line one\nline two', 'Zeichen: äöü ß, 你好, 😀', '"quotes" and \'single\'', '{{ not a template }}', '{% raw %}',
  '<|im_end|> as text', '<think>\nthoughts\n</think>\n\nanswer', '', 'back\\slash \\n', '<tool_response>x</tool_response>', 'a\tb', '[INST] x [/INST]',
];

function plain() {
  const all = [];
  for (const [i, text] of texts.entries()) {
    const other = texts[(i * 7 + 3) % texts.length];
    all.push([user(text)]);
    all.push([system('You are kind.'), user(text)]);
    all.push([user(text), assistant(other), user('And ' + text)]);
    if (i % 3 === 0) {
      all.push([system(other), user(text), assistant(`<think>\nso ${i}\n</think>\n\nIt is ${i}.`), user('Why?'), assistant('Because.'), user('ok')]);
    }
  }
  return all;
}

function withTools() {
  return [
    [user('Weather in Rome?')],
    [system('Use tools.'), user('Weather in Rome?')],
    [user('Weather?'), { role: 'assistant', content: '', tool_calls: [call('get_weather', { city: 'Rome', days: 2 })] }, { role: 'tool', content: '{"t": 21.5}', tool_call_id: 'call00001', name: 'get_weather' }],
    [user('Add'), { role: 'assistant', content: 'Adding.', tool_calls: [call('add', { numbers: [1, 2.5, -3] }), call('add', { numbers: [] })] },
      { role: 'tool', content: '0.5', tool_call_id: 'call00001', name: 'add' }, { role: 'tool', content: '0', tool_call_id: 'call00001', name: 'add' }, assistant('0.5 and 0'), user('Thanks')],
  ];
}

function withTextArguments() {
  return [
    [user('Add'), { role: 'assistant', content: null, tool_calls: [call('add', '{"numbers": [1, 2]}')] }, { role: 'tool', content: '3' }, assistant('3'), user('ok')],
    [user('Add'), { role: 'assistant', content: null, tool_calls: [call('add', '{"numbers": [1]}'), call('add', '{}')] }, { role: 'tool', content: '1' }, { role: 'tool', content: '0' }],
  ];
}

// Each case: the variables that a template renders with.
export function cases() {
  const all = [];
  for (const messages of plain()) {
    all.push({ messages, add_generation_prompt: all.length % 4 !== 3 });
  }
  for (const messages of withTools()) {
    all.push({ messages, tools, add_generation_prompt: true });
    all.push({ messages, tools, add_generation_prompt: false });
  }
  for (const messages of withTextArguments()) {
    all.push({ messages, add_generation_prompt: true });
  }
  all.push({ messages: [user('Quick')], add_generation_prompt: true, enable_thinking: false });
  all.push({ messages: [user('Slow')], add_generation_prompt: true, enable_thinking: true });
  all.push({ messages: [user('x'), { role: 'assistant', content: 'y', reasoning_content: 'because\n' }, user('z')], add_generation_prompt: true });
  all.push({ messages: [user('x'), { role: 'assistant', content: 'y', reasoning_content: 'because\n' }], add_generation_prompt: false });
  return all;
}
