// What the map says of a place: entries with their links, or a territory with its count.
import { entryOf } from './api.js';
import { linkTo, span } from './list.js';

/** most is how many entries a popup tells of. */
export const most = 5;

/** makePopup opens at most one popup on a map. The keyboard goes into it, and back to where it came from when it closes. */
export function makePopup(page, map, closed) {
  const { say, config } = page;
  let open;
  let from;

  /** show opens a popup at a place; from is what opened it. */
  function show(at, content, opener) {
    close();
    from = opener;
    const popup = new maplibregl.Popup({ maxWidth: '20rem', offset: 12, focusAfterOpen: Boolean(opener) });
    popup.on('close', () => { if (open === popup) left(); });
    open = popup.setLngLat(at).setDOMContent(content).addTo(map);
    popup.getElement().setAttribute('role', 'dialog');
    popup.getElement().setAttribute('aria-label', content.querySelector('a, strong')?.textContent ?? '');
  }

  function left() {
    open = undefined;
    from?.focus();
    closed();
  }

  function close() {
    const popup = open;
    open = undefined;
    popup?.remove();
  }

  /** entries shows those that lie at one place, of which there are total. What a tile does not tell of one is asked for. */
  async function entries(at, found, opener, total = found.length) {
    const box = document.createElement('div');
    box.className = 'card';
    if (total > 1) box.append(heading(`${page.number(total)} ${say('jsHere')}`));
    const first = found.slice(0, most);
    for (const entry of first) box.append(line(entry.title ? entry : await whole(entry)));
    if (total > most) box.append(span('place', say('jsMore', total - most)));
    show(at, box, opener);
  }

  async function whole(entry) {
    return page.list.known(entry.id) ?? (await page.list.fetch(entry.id).catch(() => entry));
  }

  function line(entry) {
    const box = document.createElement('p');
    box.append(linkTo(config, entry, entry.title || say('untitled')));
    if (entry.place) box.append(span('place', entry.place));
    return box;
  }

  /** territory shows a count, and leads to its entries. */
  function territory(at, { code, name, count }) {
    const box = document.createElement('div');
    box.className = 'card';
    box.append(heading(name), span('place', count === 1 ? say('one') : `${page.number(count)} ${say('some')}`));
    if (count) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'primary';
      button.textContent = say('jsShowThese');
      button.addEventListener('click', () => { close(); page.territories.enter(code, name); });
      box.append(button);
    }
    show(at, box, map.getCanvas());
  }

  /** landmark shows what an overlay tells of a thing. */
  function landmark(at, properties) {
    const box = document.createElement('div');
    box.className = 'card';
    const { name, point_count: count } = properties;
    box.append(heading(count ? `${page.number(count)} ${say('jsHere')}` : String(name ?? say('untitled'))));
    show(at, box, map.getCanvas());
  }

  return { entries, territory, landmark, close, isOpen: () => Boolean(open) };
}

/** entriesIn reads entries out of features of tiles, each once. */
export function entriesIn(layer, features) {
  const all = new Map();
  for (const { properties, geometry } of features) {
    const entry = entryOf(layer, properties);
    if (!all.has(entry.id)) all.set(entry.id, { ...entry, at: geometry.type === 'Point' ? geometry.coordinates : null });
  }
  return [...all.values()];
}

function heading(text) {
  const made = document.createElement('strong');
  made.textContent = text;
  return made;
}
