// The form: what is chosen in it is the state, and the counts beside the choices follow the list.
import { span } from './list.js';
import { without, write } from './state.js';

/** makeFilters takes over the form that the server made. */
export function makeFilters(page) {
  const form = document.getElementById('ask');
  const chips = document.getElementById('chips');
  const area = document.getElementById('area');
  const facets = [...form.querySelectorAll('details[data-field]')];

  form.addEventListener('change', (event) => changed(event.target));
  area.addEventListener('change', () => page.go({ area: area.checked }));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    close();
    page.go(chosen());
  });
  chips.addEventListener('click', (event) => {
    const chip = event.target.closest('a');
    if (!chip) return;
    event.preventDefault();
    page.go(chip.change());
    document.getElementById('list').focus({ preventScroll: true });
  });
  document.addEventListener('click', (event) => { if (!event.target.closest('.facets')) close(); });
  form.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(event.target); });

  function changed(control) {
    if (control.name === 'q') return;
    if (control.name === 'layer') location.assign(`${page.config.path}${write({ ...empty(page.state), layer: control.value }, page.config)}${location.hash}`);
    else page.go(chosen());
  }

  /** chosen reads the form. */
  function chosen() {
    const data = new FormData(form);
    const filters = new Map(page.state.filters);
    for (const { dataset: { field } } of facets) filters.set(field, data.getAll(`filter[${field}]`).sort());
    return { q: data.get('q').trim(), view: data.get('view') ?? '', overlays: data.getAll('overlay'), filters };
  }

  /** close closes the lists of choices; the keyboard goes back to the one that it was in. */
  function close(within) {
    for (const open of form.querySelectorAll('details[open]')) {
      open.open = false;
      if (within && open.contains(within)) open.querySelector('summary').focus();
    }
  }

  /** show writes the state into the form. */
  function show() {
    const { state } = page;
    form.elements.q.value = state.q;
    for (const radio of form.querySelectorAll('[name=view]')) radio.checked = radio.value === state.view;
    for (const box of form.querySelectorAll('[name=overlay]')) box.checked = state.overlays.includes(box.value);
    for (const facet of facets) showFacet(facet, state.filters.get(facet.dataset.field) ?? []);
    area.checked = state.area;
    showChips();
  }

  function showFacet(facet, values) {
    for (const box of facet.querySelectorAll('input')) box.checked = values.includes(box.value);
    facet.querySelector('.chosen').textContent = values.length || '';
  }

  function showChips() {
    const { state, say } = page;
    const all = [];
    if (state.q) all.push(chip(say('quoted').replace('%q', state.q), () => ({ q: '' })));
    if (state.within) all.push(chip(page.labels.get(state.within) || state.within, () => ({ within: '' })));
    for (const [field, values] of state.filters) {
      for (const value of values) all.push(chip(labelOf(field, value), () => without(page.state, field, value)));
    }
    if (all.length > 1) all.push(chip(say('clear'), () => empty(page.state), 'clear'));
    chips.replaceChildren(...all);
    chips.hidden = all.length === 0;
  }

  function chip(text, change, kind) {
    const line = document.createElement('li');
    const link = document.createElement('a');
    link.change = change;
    link.href = page.config.path + write({ ...page.state, after: '', ...change() }, page.config);
    if (kind) link.className = kind;
    else link.append(span('hidden', `${page.say('remove')} `));
    link.append(text);
    if (!kind) link.append(cross());
    line.append(link);
    return line;
  }

  function labelOf(field, value) {
    const box = facets.flatMap((facet) => [...facet.querySelectorAll('input')]).find((box) => box.name === `filter[${field}]` && box.value === value);
    return box?.closest('label').querySelector('.name').textContent ?? value;
  }

  return {
    show,
    fields: () => facets.map((facet) => facet.dataset.field),
    /** chosenFields lists those with a choice made. */
    chosenFields: () => facets.map((facet) => facet.dataset.field).filter((field) => page.state.filters.get(field)?.length),
    /** count writes beside each choice how many entries have it. */
    count(field, values) {
      const facet = facets.find((facet) => facet.dataset.field === field);
      const counts = new Map(values.map(({ value, count }) => [String(value), count]));
      for (const box of facet.querySelectorAll('input')) {
        box.closest('label').querySelector('.count').textContent = page.number(counts.get(box.value) ?? 0);
      }
    },
  };
}

const empty = (state) => ({ ...state, q: '', within: '', filters: new Map(), fixed: [], after: '', area: false });

function cross() {
  const drawing = document.querySelector('template#cross');
  return drawing.content.cloneNode(true);
}
