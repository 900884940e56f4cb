// Suggestions while one types: entries by their words, territories by their names.
import { askOnce, entryOf, fieldsOf } from './api.js';
import { span } from './list.js';

const pause = 180;

/** makeSearch makes a combobox of the search field (ARIA 1.2, list autocomplete). */
export function makeSearch(page) {
  const { config, say } = page;
  const input = document.getElementById('q');
  const list = document.getElementById('suggestions');
  let options = [];
  let active = -1;
  let timer;

  for (const [name, value] of Object.entries({ role: 'combobox', 'aria-autocomplete': 'list', 'aria-controls': list.id, 'aria-expanded': 'false' })) input.setAttribute(name, value);
  input.addEventListener('input', () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, pause);
  });
  input.addEventListener('keydown', pressed);
  input.addEventListener('blur', () => setTimeout(close, 150));
  input.form.addEventListener('submit', close);
  input.addEventListener('search', () => { if (!input.value && page.state.q) page.go({ q: '' }); });
  list.addEventListener('mousedown', (event) => event.preventDefault());
  list.addEventListener('click', (event) => {
    const option = event.target.closest('[role=option]');
    if (option) choose([...list.children].indexOf(option));
  });

  async function suggest() {
    const q = input.value.trim();
    if (q.length < 2) return close();
    const [entries, territories] = await Promise.all([entriesFor(q).catch(() => []), territoriesFor(q).catch(() => [])]);
    if (q !== input.value.trim() || document.activeElement !== input) return;
    options = [{ text: q, kind: say('jsFind'), go: () => page.go({ q }), search: true }, ...territories, ...entries];
    draw();
  }

  async function entriesFor(q) {
    if (!config.layer.list) return [];
    const params = new URLSearchParams(config.layer.params);
    for (const [name, value] of Object.entries({ q, limit: 4, total: false, fields: fieldsOf(config.layer) })) params.set(name, value);
    const { data } = await askOnce(`${config.layer.list}?${params}`);
    return data.map((found) => entryOf(config.layer, found)).filter(({ at }) => at)
      .map((entry) => ({ text: entry.title, kind: entry.place, go: () => page.map.locate(entry, input) }));
  }

  async function territoriesFor(q) {
    const { data } = await askOnce(`/geo/territories?${new URLSearchParams({ q })}`);
    return data.slice(0, 5).map((found) => ({ text: found.name, kind: kindOf(found), go: () => enter(found) }));
  }

  function kindOf({ level, departement }) {
    const kind = say(`js${level[0].toUpperCase()}${level.slice(1)}`);
    return departement && level !== 'departement' ? `${kind} (${departement})` : kind;
  }

  function enter({ level, code, name, center }) {
    const within = `${level}:${code}`;
    page.labels.set(within, name);
    page.go({ within, q: '', view: '' });
    if (center && (level === 'commune' || level === 'epci')) page.map.go(center, level);
    else page.map.fit(within);
  }

  function draw() {
    active = -1;
    list.replaceChildren(...options.map(optionOf));
    list.hidden = false;
    input.setAttribute('aria-expanded', 'true');
    input.removeAttribute('aria-activedescendant');
  }

  function optionOf({ text, kind, search }, i) {
    const line = document.createElement('li');
    Object.assign(line, { id: `suggestion-${i}`, role: 'option' });
    line.setAttribute('aria-selected', 'false');
    line.append(...(search ? [span('kind', kind), span('name', text)] : [span('name', text), span('kind', kind)]));
    return line;
  }

  function pressed(event) {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) move(step);
    else if (event.key === 'Enter' && active >= 0) choose(active);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
  }

  function move(step) {
    list.children[active]?.setAttribute('aria-selected', 'false');
    active = (active + step + options.length) % options.length;
    list.children[active].setAttribute('aria-selected', 'true');
    input.setAttribute('aria-activedescendant', list.children[active].id);
  }

  function choose(i) {
    const option = options[i];
    close();
    option.go();
  }

  function close() {
    clearTimeout(timer);
    list.hidden = true;
    input.setAttribute('aria-expanded', 'false');
    input.removeAttribute('aria-activedescendant');
  }
}
