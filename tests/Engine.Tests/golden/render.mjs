// Renders as Hugging Face does: trim_blocks and lstrip_blocks on, tools null where there are none.
import { Template } from '@huggingface/jinja';

export function render(template, special, variables) {
  const context = { tools: null, documents: null, ...special, ...variables };
  try {
    return { variables, text: new Template(template).render(context) };
  } catch (failure) {
    // Python prints None where the reference has no filter for null: nothing to compare with.
    return failure.message.startsWith('Cannot apply filter') ? null : { variables, error: String(failure.message) };
  }
}
