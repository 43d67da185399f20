"""Where the JavaScript reference does not print what Python's Jinja prints: hashes of Python's texts, by template and conversation.

Needs Python 3 and jinja2 3.1, and the answers of make-real-templates.mjs below node_modules. Run only to make python-differences.golden.json anew:
python3 make-python.py
"""

import datetime
import hashlib
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = pathlib.Path(__file__).parent
NOW = datetime.datetime(2026, 2, 7, 13, 5, 9)


class Generation(Extension):
    """{% generation %}, which only marks the assistant's text."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

    def _body(self, caller):
        return caller()


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def render(template, special, variables):
    try:
        text = template.render({"tools": None, "documents": None, **special, **variables})
    except Exception:
        return "<<error>>"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main():
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = NOW.strftime
    golden = json.loads((HERE / "node_modules/.golden/templates.json").read_text())
    differences = {}
    for published in golden["templates"]:
        template = environment.from_string(published["template"])
        for i, (variables, result) in enumerate(zip(golden["conversations"], published["results"])):
            reference = hashlib.sha256(result["text"].encode()).hexdigest()[:16] if "text" in result else "<<error>>"
            python = render(template, published["special"], variables)
            if python != reference:
                differences.setdefault(published["name"], {})[str(i)] = python
    (HERE / "python-differences.golden.json").write_text(json.dumps(differences, indent=0) + "\n")


main()
