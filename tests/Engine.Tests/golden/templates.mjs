// Chat templates of our own that use what published ones use, each in another way.

export const templates = {
  chatml: `{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}`,

  // Mixtral: the system text joins the first user turn, turns must alternate.
  mixtral: `{%- if messages[0]["role"] == "system" %}
    {%- set system_message = messages[0]["content"] %}
    {%- set loop_messages = messages[1:] %}
{%- else %}
    {%- set loop_messages = messages %}
{%- endif %}

{{- bos_token }}
{%- for message in loop_messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('After the optional system message, roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message["role"] == "user" %}
        {%- if loop.first and system_message is defined %}
            {{- " [INST] " + system_message + "\\n\\n" + message["content"] + " [/INST]" }}
        {%- else %}
            {{- " [INST] " + message["content"] + " [/INST]" }}
        {%- endif %}
    {%- elif message["role"] == "assistant" %}
        {{- " " + message["content"] + eos_token}}
    {%- else %}
        {{- raise_exception("Only user and assistant roles are supported, with the exception of an initial optional system message!") }}
    {%- endif %}
{%- endfor %}
`,

  // Mistral with tools: namespaces, nested conditions, tojson, slices and tests of lists.
  tools: `{%- set ns = namespace(index=0, last_user=-1) %}
{%- for m in messages %}
    {%- if m.role == "user" %}
        {%- set ns.last_user = loop.index0 %}
    {%- endif %}
{%- endfor %}
{{- bos_token }}
{%- for m in messages if m.role != "system" %}
    {%- if m["role"] == "user" %}
        {%- if tools is not none and tools is defined and (messages | length) > 0 and loop.last %}
            {{- "[AVAILABLE_TOOLS] [" }}
            {%- for tool in tools %}
                {%- set tool = tool.function %}
                {{- '{"type": "function", "function": {' }}
                {%- for key, val in tool.items() if key != "return" %}
                    {%- if val is string %}
                        {{- '"' + key + '": "' + val + '"' }}
                    {%- else %}
                        {{- '"' + key + '": ' + val|tojson }}
                    {%- endif %}
                    {%- if not loop.last %}{{- ", " }}{%- endif %}
                {%- endfor %}
                {{- "}}" }}
                {%- if not loop.last %}{{- ", " }}{%- else %}{{- "]" }}{%- endif %}
            {%- endfor %}
            {{- "[/AVAILABLE_TOOLS]" }}
        {%- endif %}
        {{- "[INST] " ~ m.content | trim ~ "[/INST]" }}
    {%- elif m.tool_calls is defined and m.tool_calls is not none %}
        {{- "[TOOL_CALLS] [" }}
        {%- for call in m.tool_calls %}
            {{- {"name": call.function.name, "arguments": call.function.arguments} | tojson }}
            {{- "]" ~ eos_token if loop.last else ", " }}
        {%- endfor %}
    {%- elif m.role == "assistant" %}
        {{- " " ~ m["content"].strip() ~ eos_token }}
    {%- elif m.role in ["tool", "tool_results"] %}
        {%- set content = m.content %}
        {{- '[TOOL_RESULTS] {"content": ' ~ content | string ~ "}[/TOOL_RESULTS]" }}
    {%- endif %}
{%- endfor %}
{%- if ns.last_user < 0 %}{{ raise_exception("no user message") }}{% endif %}`,

  // Blocks on lines of their own: trim_blocks and lstrip_blocks at work.
  blocks: `{# A comment
over lines #}
  {% if messages | length > 1 %}
Several: {{ messages | length }}
  {% else %}
Just one.
  {% endif %}
	{% for role in ['system', 'user', 'assistant'] %}
  {%- set chosen = messages | selectattr('role', 'equalto', 'user') | list %}
{{ role | upper }} {{ chosen | length }}:{% for m in chosen %} [{{ loop.index }}/{{ loop.length }}{{ ' first' if loop.first }}{{ ' last' if loop.last }}] {{ m.content }}
    {% if loop.last %}done{% endif %}

  {% endfor %}
  {% endfor %}
{{ messages | map(attribute='role') | join(', ') }}
{{ '%s' }} {{ 7 // 2 }} {{ 7 % 3 }} {{ 2 ** 3 }} {{ 1.5 + 1 }} {{ "a" "b" }} {{ [1, 2] + [3] }}
`,

  // Macros, call blocks, defaults, loop controls, dictionaries and string methods.
  macros: `{%- macro turn(role, text='', end=true) -%}
<{{ role }}>{{ text | replace('\\n', ' / ') }}{% if end %}</{{ role }}>{% endif %}
{%- endmacro -%}
{%- macro box(title) %}[{{ title }}: {{ caller() }}]{% endmacro -%}
{%- for m in messages -%}
{%- if m.content is none %}{% continue %}{% endif -%}
{%- if loop.index > 5 %}{% break %}{% endif -%}
{{ turn(m.role, m.content if m.content else '(empty)', end=not loop.last) }}
{%- else -%}
nothing
{%- endfor %}
{% call box('roles') %}{{ messages[0].role | capitalize }}{% endcall %}
{% set summary %}{{ messages[-1].content | default('none', true) }}!{% endset %}
{{ summary | trim }} {{ missing | default('gone') }} {{ {'a': 1, 'b': [true, none]} | tojson }}
{{ messages[0].content.split(' ')[0] }} {{ messages[0].content.startswith('H') | tojson }} {{ 'x,y,,z'.split(',') | join('-') }}
{{ messages[0].keys() | list | join(' ') }}
{{ (messages[0] | tojson(indent=2)) }}
{% set t = namespace(n=0) %}{% for a, b in [[1, 2], [3, 4]] %}{% set t.n = t.n + a * b %}{% endfor %}{{ t.n }} {{ messages[::-1][0].role }} {{ messages[0].content[:3] }}`,

  // Harmony, the format of gpt-oss: channels, the date, tools as TypeScript types by a macro that calls itself.
  harmony: `{#- One type; "pad" is the indent of the fields inside it -#}
{%- macro type_of(schema, pad) -%}
    {%- if schema.enum is defined -%}
        {%- for value in schema.enum -%}
            {{- value | tojson if value is not string else '"' ~ value ~ '"' -}}
            {%- if not loop.last %} | {% endif -%}
        {%- endfor -%}
    {%- elif schema.anyOf is defined or schema.oneOf is defined -%}
        {%- for one in schema.anyOf or schema.oneOf -%}
            {{- type_of(one, pad) -}}
            {%- if not loop.last %} | {% endif -%}
        {%- endfor -%}
    {%- elif schema.type is not defined -%}
        any
    {%- elif schema.type is iterable and schema.type is not string -%}
        {{- schema.type | join(" | ") -}}
    {%- elif schema.type == "array" -%}
        {{- type_of(schema["items"], pad) + "[]" if schema["items"] is defined else "any[]" -}}
    {%- elif schema.type == "object" and schema.properties -%}
        {{- "{\\n" -}}
        {%- for name, field in schema.properties.items() -%}
            {%- if field.description %}{{ pad }}// {{ field.description | replace("\\n", " ") + "\\n" }}{% endif -%}
            {{- pad + name + ("" if name in (schema.required or []) else "?") + ": " + type_of(field, pad + "  ") -}}
            {%- if field.default is defined and field.default is not none -%}
                {{- ", // default: " ~ (field.default if field.default is string else field.default | tojson) ~ "\\n" -}}
            {%- else -%}
                {{- ",\\n" -}}
            {%- endif -%}
        {%- endfor -%}
        {{- pad[2:] + "}" -}}
    {%- elif schema.type in ["integer", "number"] -%}
        number
    {%- else -%}
        {{- schema.type -}}
    {%- endif -%}
{%- endmacro -%}
{%- macro part(role, text, channel="", to="", end="<|end|>") -%}
    {{- "<|start|>" + role + (" to=" + to if to else "") + ("<|channel|>" + channel if channel else "") + "<|message|>" + text + end -}}
{%- endmacro -%}
{%- set ns = namespace(instructions="", last_user=-1, called="") -%}
{%- for message in messages -%}
    {%- if message.role in ["system", "developer"] and message.content is string -%}
        {%- set ns.instructions = ns.instructions + message.content + "\\n\\n" -%}
    {%- elif message.role == "user" -%}
        {%- set ns.last_user = loop.index0 -%}
    {%- endif -%}
{%- endfor -%}
{%- set effort = reasoning_effort | default("medium") -%}
{{- part("system", (model_identity or "You are a model.") + "\\nKnowledge cutoff: 2024-06\\nCurrent date: " + strftime_now("%Y-%m-%d") + "\\n\\nReasoning: " + effort
    + "\\n\\n# Valid channels: analysis, commentary, final. Channel must be included for every message." + ("\\nCalls to these tools must go to the commentary channel: 'functions'." if tools else "")) -}}
{%- if ns.instructions or tools -%}
    {%- set body -%}
        {%- if ns.instructions %}{{ "# Instructions\\n\\n" + ns.instructions }}{% endif -%}
        {%- if tools -%}
            {{- "# Tools\\n\\n## functions\\n\\nnamespace functions {\\n\\n" -}}
            {%- for tool in tools -%}
                {%- set f = tool.function -%}
                {{- "// " + f.description | replace("\\n", "\\n// ") + "\\ntype " + f.name + " = " -}}
                {{- "(_: " ~ type_of(f.parameters, "  ") ~ ") => any;\\n\\n" if f.parameters and f.parameters.properties else "() => any;\\n\\n" -}}
            {%- endfor -%}
            {{- "} // namespace functions" -}}
        {%- endif -%}
    {%- endset -%}
    {{- part("developer", body) -}}
{%- endif -%}
{%- for message in messages -%}
    {%- if message.role == "user" -%}
        {{- part("user", message.content if message.content is string else message.content | map(attribute="text") | join) -}}
    {%- elif message.role == "tool" -%}
        {%- if not ns.called %}{{ raise_exception("A tool's result has no call before it.") }}{% endif -%}
        {{- part("functions." + ns.called, message.content | tojson, "commentary", "assistant") -}}
    {%- elif message.role == "assistant" -%}
        {%- set thought = message.thinking or message.reasoning_content -%}
        {%- if thought and loop.index0 > ns.last_user -%}
            {{- part("assistant", thought, "analysis") -}}
        {%- endif -%}
        {%- for call in message.tool_calls or [] -%}
            {%- set ns.called = (call.function or call).name -%}
            {%- set arguments = (call.function or call).arguments -%}
            {{- part("assistant", arguments if arguments is string else arguments | tojson, "commentary", "functions." + ns.called, end="<|call|>") -}}
        {%- else -%}
            {%- if message.content -%}
                {{- part("assistant", message.content if message.content is string else message.content[0].text, "final", end="<|return|>" if loop.last and not add_generation_prompt else "<|end|>") -}}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
<|start|>assistant
{%- endif -%}`,
};
