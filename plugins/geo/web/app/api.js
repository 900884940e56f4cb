// Asking the server, and reading what it says.

/** ask gives the JSON at an address of this server. */
export async function ask(address, signal) {
  const answer = await fetch(address, { signal, headers: { Accept: 'application/json' } });
  if (!answer.ok) throw new Error(`${address} answers ${answer.status}`);
  return answer.json();
}

const kept = new Map();

/** askOnce is ask for what does not change while the page is open. */
export function askOnce(address) {
  if (!kept.has(address)) {
    const asked = ask(address);
    kept.set(address, asked);
    asked.catch(() => kept.delete(address));
  }
  return kept.get(address);
}

/** latest gives a function that asks and forgets what it asked before: of several answers only the last counts. */
export function latest() {
  let before;
  return (address) => {
    before?.abort();
    before = new AbortController();
    return ask(address, before.signal);
  };
}

/** gaveUp tells an answer that nobody waits for any more from a failure. */
export const gaveUp = (error) => error.name === 'AbortError';

/** lookup finds what stands at a dotted path, in an object or, as in tiles, flat under the path itself. */
export function lookup(entry, path) {
  if (!path) return undefined;
  return entry[path] ?? path.split('.').reduce((at, name) => at?.[name], entry);
}

/** entryOf gives a line of the list of what the API or a tile says of an entry. */
export function entryOf(layer, data) {
  const text = (path) => {
    const value = lookup(data, path);
    return value === undefined || value === null || typeof value === 'object' ? '' : String(value);
  };
  const id = text('_id');
  const slug = text(layer.slug) || id;
  const fill = (name) => encodeURIComponent(name === 'id' ? id : slug);
  return {
    id,
    title: text(layer.title),
    place: text(layer.place),
    url: layer.entry.replace(/\{(slug|id)\}/g, (_, name) => fill(name)),
    at: pointOf(lookup(data, layer.geo)),
  };
}

/** pointOf gives a point to go to for a geometry: itself, or its first position. */
function pointOf(geometry) {
  let at = geometry?.coordinates;
  while (Array.isArray(at?.[0])) at = at[0];
  return Array.isArray(at) && at.length >= 2 ? [at[0], at[1]] : null;
}

/** fieldsOf lists what to ask for of each entry. */
export function fieldsOf(layer) {
  return [layer.title, layer.place, layer.slug, layer.geo].filter(Boolean).join(',');
}
