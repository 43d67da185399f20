using System.Text.Json;
using MegaInfer.Engine.ChatTemplates;
using Xunit;

namespace MegaInfer.Engine.Tests.ChatTemplates;

/// <summary>What templates mean, case by case; the expected texts are what Python's Jinja with Hugging Face's settings prints.</summary>
public sealed class JinjaTests
{
    [Theory]
    [InlineData("{{ 1 + 2 * 3 }}", "7")]
    [InlineData("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 2 ** -1 }}", "3 -4 2 3.5 1024 0.5")]
    [InlineData("{{ 1.0 }} {{ 1e20 }} {{ 0.00001 }} {{ 1/3 }} {{ 100000000.5 }} {{ 123456789012345680.0 }}", "1.0 1e+20 1e-05 0.3333333333333333 100000000.5 1.2345678901234568e+17")]
    [InlineData("{{ true }} {{ none }} {{ [1, 'a', none, true] }} {{ (1,) }} {{ {'a': \"it's\"} }}", "True None [1, 'a', None, True] (1,) {'a': \"it's\"}")]
    [InlineData("{{ missing }}|{{ missing is defined }}|{{ missing | default('x') }}|{{ missing | length }}", "|False|x|0")]
    [InlineData("{{ '' | default('x') }}|{{ '' | default('x', true) }}|{{ none | default('x') }}", "|x|None")]
    [InlineData("{{ 'a' if true }}{{ 'b' if false }}{{ 'c' if false else 'd' }}", "ad")]
    [InlineData("{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 'a' in 'cat' }} {{ 'b' not in ['a'] }} {{ 1 in {1: 2} }}", "True False True True True")]
    [InlineData("{{ not true or true and false }}", "False")]
    [InlineData("{{ 'a' ~ 1 ~ none ~ 1.5 }} {{ 'x' 'y' }} {{ 'ab' * 3 }} {{ [0] * 2 }}", "a1None1.5 xy ababab [0, 0]")]
    [InlineData("{{ [1,2,3,4][1:3] }} {{ [1,2,3,4][::-1] }} {{ 'hello'[1:-1] }} {{ [1,2,3][-1] }} {{ 'abc'[::2] }} {{ [1,2][5:] }}", "[2, 3] [4, 3, 2, 1] ell 3 ac []")]
    [InlineData("{{ '😀a' | length }} {{ '😀a'[0] }} {{ '😀a'[1:] }} {{ 'a😀' | reverse }}", "2 😀 a 😀a")]
    [InlineData("{{ 1 is number }} {{ '' is string }} {{ {} is mapping }} {{ [] is iterable }} {{ 'x' is sequence }} {{ 3 is odd }} {{ 4 is divisibleby 2 }} {{ none is not none }}", "True True True True True True True False")]
    [InlineData("{{ 1 is true }} {{ true is true }} {{ true is boolean }} {{ 1 is integer }} {{ 1.0 is float }} {{ 1 is eq 1 }} {{ 2 is gt 1 }} {{ 'a' is in ['a'] }}", "False True True True True True True True")]
    [InlineData("{{ ' a b ' | trim }}|{{ 'xxaxx'.strip('x') }}|{{ 'a,b'.split(',') }}|{{ ' a  b '.split() }}|{{ 'a-b-c'.rsplit('-', 1) }}|{{ 'ab'.split('', 1) if false }}", "a b|a|['a', 'b']|['a', 'b']|['a-b', 'c']|")]
    [InlineData("{{ 'hello world' | title }} {{ \"it's 1st\" | title }} {{ \"it's 1st\".title() }} {{ 'hELLO' | capitalize }}", "Hello World It's 1st It'S 1St Hello")]
    [InlineData("{{ 'aXbXc'.replace('X', '-', 1) }} {{ 'abc' | replace('b', 'B') }} {{ 'ab'.replace('', '.') }} {{ 'x'.startswith(('a', 'x')) }}", "a-bXc aBc .a.b. True")]
    [InlineData("{{ {'b': 1, 'a': 2}.items() | list }} {{ {'b': 1, 'a': 2} | dictsort }} {{ {'a': 1}.get('z', 5) }} {{ {'items': 1}['items'] }}", "[('b', 1), ('a', 2)] [('a', 2), ('b', 1)] 5 1")]
    [InlineData("{{ [3,1,2] | sort }} {{ ['b','A'] | sort }} {{ [1,2] | sum }} {{ [1,5,2] | max }} {{ [1,1,2] | unique | list }} {{ [1,2,3] | batch(2) | list }}", "[1, 2, 3] ['A', 'b'] 3 5 [1, 2] [[1, 2], [3]]")]
    [InlineData("{{ [{'a': 1}, {'a': 2}] | map(attribute='a') | list }} {{ [1, 2, 3] | select('odd') | list }} {{ [{'a': 1}, {}] | selectattr('a') | list }} {{ ['a'] | map('upper') | join }}", "[1, 2] [1, 3] [{'a': 1}] A")]
    [InlineData("{{ {'a': [1, 2.50, \"é\\n\"], 'b': {}} | tojson }}", "{\"a\": [1, 2.5, \"é\\n\"], \"b\": {}}")]
    [InlineData("{{ {'a': [1], 'b': []} | tojson(indent=2) }}", "{\n  \"a\": [\n    1\n  ],\n  \"b\": []\n}")]
    [InlineData("{{ {'b': 1, 'a': 'é<'} | tojson(sort_keys=true, ensure_ascii=true, separators=(',', ':')) }}", "{\"a\":\"\\u00e9<\",\"b\":1}")]
    [InlineData("{{ '12' | int + 1 }} {{ 'x' | int(7) }} {{ '1.5' | float }} {{ 3.7 | int }} {{ -3 | abs }} {{ 2.5 | round }} {{ 1.25 | round(1) }}", "13 7 1.5 3 3 2.0 1.2")]
    [InlineData("{{ 'a\nb\n\nc' | indent(2) }}", "a\n  b\n\n  c")]
    [InlineData("{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set x %}<{{ a }}>{% endset %}{{ x }}{% set y | upper %}q{% endset %}{{ y }}", "12<1>Q")]
    [InlineData("{% for i in range(3) %}{{ i }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}|{% for i in [] %}x{% else %}none{% endfor %}", "0,1,2|none")]
    [InlineData("{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %} {% for x in [1,2,3,4] if x % 2 == 0 %}{{ loop.index }}:{{ x }}/{{ loop.length }} {% endfor %}", "a=1 1:2/2 2:4/2 ")]
    [InlineData("{% for i in [1,2,3] %}{{ loop.previtem }}<{{ i }}>{{ loop.nextitem }} {{ loop.cycle('a','b') }} {{ loop.revindex }};{% endfor %}", "<1>2 a 3;1<2>3 b 2;2<3> a 1;")]
    [InlineData("{% set x = 1 %}{% for i in [1] %}{% set x = 2 %}{% endfor %}{{ x }}{% if true %}{% set x = 3 %}{% endif %}{{ x }}", "13")]
    [InlineData("{% set n = namespace(v=0) %}{% for i in [1,2,3] %}{% if i == 3 %}{% break %}{% endif %}{% if i == 1 %}{% continue %}{% endif %}{% set n.v = n.v + i %}{% endfor %}{{ n.v }}", "2")]
    [InlineData("{% macro m(a, b='d') %}{{ a }}{{ b }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1) }} {{ m(1, 2, 3, z=4) }} {{ m(b=1, a=2) }}", "1d(){} 12(3,){'z': 4} 21(){}")]
    [InlineData("{% macro list(items) %}{% for i in items %}{{ caller(i) }}{% endfor %}{% endmacro %}{% call(x) list([1, 2]) %}[{{ x }}]{% endcall %}", "[1][2]")]
    [InlineData("{% for n in [[1, [2]], [3]] recursive %}{% if n is number %}{{ n }}{% else %}({{ loop(n) }}){% endif %}{% endfor %}", "(1(2))(3)")]
    [InlineData("{% filter upper %}a{{ 'b' }}{% endfilter %}{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}{% generation %}g{% endgeneration %}", "AB3g")]
    [InlineData("{% raw %}{{ x }}{% endraw %}{# comment #}|{{ '}}' }}{{ {'a': {'b': 1}}['a']['b'] }}", "{{ x }}|}}1")]
    [InlineData("a  {%- if true -%}  b  {%- endif -%}  c", "abc")]
    [InlineData("  {% if true %}\n  x\n  {% endif %}\ny", "  x\ny")]
    [InlineData("  {%+ if true %}\nx{% endif +%}\ny\n", "  x\ny")]
    [InlineData("{{ 1 }}\n{{ 2 }}\n\n", "1\n2\n")]
    [InlineData("{{ [1, 2] | join(', ') }} {{ 'abc' | join('-') }} {{ 'abc' | first }}{{ [1, none] | last }} {{ 'b a' | upper | lower }}", "1, 2 a-b-c aNone b a")]
    [InlineData("{{ '<&>' | e }} {{ '<&>' | safe }} {{ 'a b c' | wordcount }} {{ 'a.b'.partition('.') }} {{ 'a\\nb'.splitlines() }}", "&lt;&amp;&gt; <&> 3 ('a', '.', 'b') ['a', 'b']")]
    [InlineData("{{ '\\x41\\u00e9\\q\\'' }}", "Aé\\q'")]
    [InlineData("{{ dict(a=1) }} {{ range(5, 0, -2) | list }} {{ none == false }} {{ 1 == 1.0 }} {{ '1' == 1 }}", "{'a': 1} [5, 3, 1] False True False")]
    [InlineData("{{ none | selectattr('a') | list }} {{ none | map('upper') | list }} {{ missing | reject('odd') | list }} {{ none | rejectattr('a', 'equalto', 1) | list | length }}", "[] [] [] 0")]
    [InlineData("{% if 'from_json' is filter %}{{ 'x' | from_json }}{% endif %}{{ ('x' | nofilter) if false else 'y' }}{{ 'z' if true or x is notest }}", "yz")]
    [InlineData("{{ '\x1c a \x1f'.strip() }}|{{ 'a\u001db'.split() | length }}|{{ '😁x😀'.strip('😀') }}|{{ '😁' | trim('😀a') }}|{{ ' a b c '.rsplit(none, 1) }}", "a|2|😁x|😁|[' a b', 'c']")]
    [InlineData("{{ -1 | abs }} {{ - 1 + 2 }} {{ 'a'.upper() ~ 'b' | upper }}", "1 1 AB")]
    public void Render_Template_PrintsWhatPythonPrints(string template, string expected) =>
        Assert.Equal(expected, ChatTemplate.Parse(template).Render([], addGenerationPrompt: false));

    [Theory]
    [InlineData("{{ missing.attribute }}")]
    [InlineData("{{ 'a' + 1 }}")]
    [InlineData("{{ none + 'a' }}")]
    [InlineData("{{ 1 / 0 }}")]
    [InlineData("{{ nothing() }}")]
    [InlineData("{{ [1].append(2) }}")]
    [InlineData("{{ 9223372036854775807 + 1 }}")]
    [InlineData("{{ 'x' | nofilter }}")]
    [InlineData("{{ 'x' is notest }}")]
    [InlineData("{% if true %}{{ 'x' | nofilter }}{% endif %}")]
    [InlineData("{{ 'x' is notest if true }}")]
    [InlineData("{% for i in [] %}{{ 'x' | nofilter }}{% endfor %}")]
    [InlineData("{% if true %}")]
    [InlineData("{% endif %}")]
    [InlineData("{{ 'abc }}")]
    [InlineData("{# never ends")]
    [InlineData("{% break %}")]
    [InlineData("{% include 'x' %}")]
    [InlineData("{{ range(1000000) }}")]
    [InlineData("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% set n = namespace(s='ab') %}{% for i in range(100) %}{% set n.s = n.s + n.s %}{% endfor %}")]
    [InlineData("{% set n = namespace(s=[]) %}{% for i in range(5000) %}{% set n.s = [n.s] %}{% endfor %}{{ n.s }}")]
    [InlineData("{{ 'a' * 10000000000 }}")]
    [InlineData("{{ [0] * 10000000000 }}")]
    [InlineData("{{ 'a' | indent(100000, true) | center(99999999999) }}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    public void Render_BadTemplate_FailsWithOneSentence(string template)
    {
        ChatTemplateException failure = Assert.Throws<ChatTemplateException>(() => ChatTemplate.Parse(template).Render([], false));
        Assert.EndsWith(".", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    [Fact]
    public void Render_RaiseException_CarriesTheTemplatesWords()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ raise_exception('Roles must alternate!') }}");
        ChatTemplateException failure = Assert.Throws<ChatTemplateException>(() => template.Render([], false));
        Assert.Equal("Roles must alternate!", failure.Message);
        Assert.True(failure.IsRaisedByTemplate);
    }

    [Fact]
    public void Render_StrftimeNow_UsesTheGivenClock()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ strftime_now('%d %b %Y, %-d %B %H:%M %%') }}", null, new FixedClock());
        Assert.Equal("05 Mar 2024, 5 March 07:08 %", template.Render([], false));
    }

    [Fact]
    public void Render_MessageOfJson_KeepsFieldsAndOrder()
    {
        JsonElement json = JsonElement.Parse("""{"role":"tool","tool_call_id":"x","content":[{"type":"text","text":"hi"}],"n":12345678901234567890}""");
        ChatTemplate template = ChatTemplate.Parse("{{ messages[0] | tojson }}{{ extra_name }}");
        string text = template.Render([ChatMessage.FromJson(json)], false, null, new Dictionary<string, JsonElement> { ["extra_name"] = JsonElement.Parse("[1]") });
        Assert.Equal("""{"role": "tool", "tool_call_id": "x", "content": [{"type": "text", "text": "hi"}], "n": 12345678901234567890}[1]""", text);
    }

    [Fact]
    public void Render_MessageWithoutJson_HasRoleContentAndName()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ messages | tojson }}");
        string text = template.Render([new ChatMessage("user", "a", "Ann"), new ChatMessage("assistant", null)], false);
        Assert.Equal("""[{"role": "user", "content": "a", "name": "Ann"}, {"role": "assistant", "content": null}]""", text);
    }

    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 3, 5, 7, 8, 9, TimeSpan.Zero);
    }
}
