// Renders as Hugging Face does: trim_blocks and lstrip_blocks on, tools null where there are none.
import { Template } from '@huggingface/jinja';

const parsed = new Map();

// Fixes what strftime_now sees.
export function clock(iso) {
  process.env.TZ = 'UTC';
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...args) {
      super(...(args.length > 0 ? args : [iso]));
    }
  };
}

export function render(source, special, variables) {
  const context = { tools: null, documents: null, ...special, ...variables };
  try {
    if (!parsed.has(source)) parsed.set(source, new Template(source));
    return { text: parsed.get(source).render(context) };
  } catch (failure) {
    return { error: String(failure.message) };
  }
}
