// What the JavaScript reference renders with the published chat templates, written below node_modules: made on first use.
import fs from 'node:fs';
import path from 'node:path';
import { conversations } from './made-conversations.mjs';
import { published } from './published.mjs';
import { clock, render } from './render.mjs';

clock('2026-02-07T13:05:09Z');
const all = conversations();
const templates = published().map(({ name, template, special }) => ({ name, template, special, results: all.map((variables) => render(template, special, variables)) }));
const out = path.join(import.meta.dirname, 'node_modules', '.golden');
fs.mkdirSync(out, { recursive: true });
fs.writeFileSync(path.join(out, 'templates.json'), JSON.stringify({ conversations: all, templates }));
