// The list beside the map: the same entries, in pages.
import { ask, entryOf, fieldsOf, gaveUp, latest } from './api.js';
import { asked, write } from './state.js';

/** nearby is how far entries lie from each other, in degrees, that tiles take for one place. */
const nearby = 0.0002;

/** makeList takes over the list that the server made. */
export function makeList(page) {
  const { config, say } = page;
  const get = latest();
  const at = (id) => document.getElementById(id);
  const entries = at('entries');
  let timer;

  entries.addEventListener('click', (event) => {
    const button = event.target.closest('.locate');
    if (button) page.map.locate(entryIn(button.closest('li')), button);
  });
  at('pages').addEventListener('click', (event) => turn(event));

  /** turn shows another page of the list without leaving the map. */
  function turn(event) {
    const link = event.target.closest('a');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    page.go({ after: new URL(link.href).searchParams.get('after') ?? '' });
    at('list').focus({ preventScroll: true });
    at('list').scrollIntoView({ block: 'start' });
  }

  function withFields(params) {
    const fields = fieldsOf(config.layer);
    if (fields) params.set('fields', fields);
    return params;
  }

  /** address asks for entries under a state, and for how many there are of each value of fields. */
  function address(state, limit, facets) {
    const params = withFields(asked(state, config));
    params.set('limit', limit);
    if (facets.length) params.set('facets', facets.join(','));
    if (state.after) params.set('after', state.after);
    const box = state.area && page.map.box();
    if (box) params.set('bbox', box);
    return `${config.layer.list}?${params}`;
  }

  async function show() {
    if (!config.layer.list) return;
    entries.setAttribute('aria-busy', 'true');
    try {
      draw(await get(address(page.state, config.pageSize, page.filters.fields())));
      await countChosen();
    } catch (error) {
      if (gaveUp(error)) return;
      at('count').textContent = say('jsFailed');
    }
    entries.removeAttribute('aria-busy');
  }

  function draw(answer) {
    const lines = answer.data.map((data) => lineOf(page, entryOf(config.layer, data)));
    entries.replaceChildren(...lines);
    at('empty').hidden = lines.length > 0;
    at('empty').textContent = say('nobody');
    at('count').textContent = counted(answer.page.total);
    at('pages').replaceChildren(...links(answer.page.next));
    const chosen = page.filters.chosenFields();
    for (const field of page.filters.fields()) if (!chosen.includes(field)) page.filters.count(field, answer.facets?.[field] ?? []);
    mark();
  }

  /** countChosen counts the other values of fields with a choice made: choosing one of them too would add them. */
  async function countChosen() {
    const { state } = page;
    for (const field of page.filters.chosenFields()) {
      const filters = new Map(state.filters).set(field, []);
      const answer = await ask(address({ ...state, filters, after: '' }, 1, [field]));
      if (page.state === state) page.filters.count(field, answer.facets?.[field] ?? []);
    }
  }

  function counted(total) {
    if (typeof total !== 'number') return '';
    const text = total === 1 ? say('one') : `${page.number(total)} ${say('some')}`;
    return page.state.area ? `${text} ${say('jsArea')}` : text;
  }

  function links(next) {
    const all = [];
    if (page.state.after) all.push(button('first', say('firstPage'), ''));
    if (next) all.push(button('next', say('nextPage'), next));
    return all;
  }

  function button(kind, text, after) {
    const link = document.createElement('a');
    link.className = `button ${kind}`;
    link.textContent = text;
    link.href = config.path + write({ ...page.state, after }, config);
    return link;
  }

  /** mark shows which entry the map is at. */
  function mark() {
    for (const line of entries.children) line.toggleAttribute('data-here', page.map.here(line.dataset.id));
  }

  return {
    show,
    mark,
    /** moved follows the map when the list holds what the map shows. */
    moved() {
      if (!page.state.area) return;
      clearTimeout(timer);
      timer = setTimeout(() => page.go({}), 300);
    },
    /** known gives what the list knows of an entry. */
    known: (id) => [...entries.children].filter((line) => line.dataset.id === id).map(entryIn)[0],
    /** fetch asks for what a tile does not tell. */
    fetch: async (id) => entryOf(config.layer, await ask(`${config.layer.list}/${encodeURIComponent(id)}?${withFields(new URLSearchParams(config.layer.params))}`)),
    /** around asks for the entries at a place, and how many they are; limit is how many of them. */
    async around([lon, lat], limit) {
      const params = withFields(asked(page.state, config));
      params.set('limit', limit);
      params.set('bbox', [lon - nearby, lat - nearby, lon + nearby, lat + nearby].map((n) => n.toFixed(6)).join(','));
      const { data, page: { total } } = await ask(`${config.layer.list}?${params}`);
      return { entries: data.map((found) => entryOf(config.layer, found)), total };
    },
  };
}

/** entryIn reads a line back. */
function entryIn(line) {
  const link = line.querySelector('.title');
  const { id, lon, lat } = line.dataset;
  return { id, title: link.textContent, url: link.href, place: line.querySelector('.place')?.textContent ?? '', at: lon ? [Number(lon), Number(lat)] : null };
}

/** lineOf draws an entry as list.html does. */
function lineOf({ config, say }, entry) {
  const line = document.createElement('li');
  line.dataset.id = entry.id;
  const title = entry.title || say('untitled');
  line.append(linkTo(config, entry, title));
  if (entry.place) line.append(span('place', entry.place));
  if (entry.at) {
    [line.dataset.lon, line.dataset.lat] = entry.at;
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'locate scripted';
    button.append(span('', say('locate')), span('hidden', ` : ${title}`));
    line.append(button);
  }
  return line;
}

/** linkTo makes the link to an entry. */
export function linkTo(config, entry, text) {
  const link = document.createElement('a');
  link.className = 'title';
  link.href = entry.url;
  link.textContent = text;
  if (config.embed) Object.assign(link, { target: '_blank', rel: 'noopener' });
  return link;
}

/** span makes a piece of text. */
export function span(kind, text) {
  const made = document.createElement('span');
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}
