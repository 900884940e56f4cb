// The MapLibre style: the base map where there is one, outlines, and the layers of content. It is made anew from the state
// whenever that changes; MapLibre finds out what is different.
import { fieldsOf } from './api.js';
import { asked } from './state.js';

const empty = { type: 'FeatureCollection', features: [] };
const point = ['==', ['geometry-type'], 'Point'];
const cluster = ['has', 'point_count'];
// Without glyphs on a server, the browser draws these with a font of its own; it reads the weight off the name.
const regular = ['Noto Sans Regular'];
const bold = ['Noto Sans Bold'];

/** styleOf makes the style for what is shown: {state, config, base, counts, labels, selected}. */
export function styleOf(shown) {
  const style = { version: 8, sources: {}, layers: [] };
  if (shown.base) addBase(style, shown.base);
  else style.layers.push({ id: 'ground', type: 'background', paint: { 'background-color': colour('--map-ground') } });
  addOutlines(style, shown);
  if (shown.state.view) addTerritories(style, shown);
  addBorders(style, shown);
  addLabels(style, shown);
  for (const overlay of shown.state.overlays.filter((name) => shown.config.overlays.includes(name))) addOverlay(style, overlay);
  if (!shown.state.view && shown.config.layer.name) addContent(style, shown);
  addSelected(style, shown.selected);
  return style;
}

/** addBase takes the base map out of the server's style, which has the layers of content too. */
function addBase(style, base) {
  const content = (source) => JSON.stringify(source).includes('/geo/layers/');
  const sources = Object.entries(base.sources ?? {}).filter(([, source]) => !content(source));
  style.sources = Object.fromEntries(sources);
  style.layers = (base.layers ?? []).filter((layer) => !layer.source || layer.source in style.sources).map(dimmed);
  for (const name of ['glyphs', 'sprite']) if (base[name]) style[name] = base[name];
}

/** dimmed turns the brightness of a picture around in the dark, and its hues back. */
function dimmed(layer) {
  if (layer.type !== 'raster' || !matchMedia('(prefers-color-scheme: dark)').matches) return layer;
  return { ...layer, paint: { ...layer.paint, 'raster-brightness-min': 0.9, 'raster-brightness-max': 0.12, 'raster-hue-rotate': 180, 'raster-saturation': -0.4 } };
}

/** addOutlines adds the shapes of territories, where something is drawn of them, and the land where no base map has it. */
function addOutlines(style, { base, state }) {
  const within = levelOf(state.within);
  for (const level of ['region', 'departement']) {
    if (!base || state.view || within === level) style.sources[level] = { type: 'geojson', data: `${location.origin}/geo/outlines/${level}`, promoteId: 'code' };
  }
  if (!base) style.layers.push({ id: 'land', type: 'fill', source: 'region', paint: { 'fill-color': colour('--map-land') } });
}

const levelOf = (within) => within.split(':')[0];

/** addBorders draws the borders over what is coloured, and that of the chosen territory. */
function addBorders(style, { base, state }) {
  if (!base || state.view) addAllBorders(style, state.view);
  const [level, code] = state.within.split(':');
  if (['region', 'departement'].includes(level)) style.layers.push({ id: 'within', type: 'line', source: level, filter: ['==', ['get', 'code'], code], paint: { 'line-color': colour('--accent'), 'line-width': 2.5 } });
}

function addAllBorders(style, view) {
  const line = (level, name, from, to) => ({ id: `${level}-borders`, type: 'line', source: level, paint: { 'line-color': colour(name), 'line-width': ['interpolate', ['linear'], ['zoom'], 4, from, 9, to] } });
  if (view !== 'region') style.layers.push(line('departement', '--map-border', 0.4, 1.2));
  style.layers.push(line('region', '--map-border-strong', 0.9, 2));
}

function addTerritories(style, { state, counts, base }) {
  const colours = ['match', ['get', 'code']];
  for (const { codes, ramp } of counts.classes) colours.push(codes, colour(ramp));
  style.layers.push({ id: 'territories', type: 'fill', source: state.view,
    paint: { 'fill-color': colours.length > 2 ? [...colours, colour('--ramp-0')] : colour('--ramp-0'), 'fill-opacity': base ? 0.8 : 1 } });
}

/** tiles is the source of a layer's vector tiles. */
function tiles(name, params) {
  return { type: 'vector', tiles: [`${location.origin}/geo/layers/${encodeURIComponent(name)}/{z}/{x}/{y}.mvt?${params}`], minzoom: 0, maxzoom: 16, promoteId: '_id' };
}

function addContent(style, { state, config }) {
  const { name } = config.layer;
  const params = asked(state, config);
  if (fieldsOf(config.layer)) params.set('fields', fieldsOf(config.layer));
  style.sources.content = tiles(name, params);
  const common = { source: 'content', 'source-layer': name };
  addShapes(style, common, '', '--point');
  style.layers.push(
    { ...common, id: 'points', type: 'circle', filter: ['all', point, ['!', cluster]], paint: dot('--point') },
    { ...common, id: 'cluster-halos', type: 'circle', filter: cluster, paint: { 'circle-color': colour('--point'), 'circle-opacity': 0.25, 'circle-radius': ['+', radius(), 5] } },
    { ...common, id: 'clusters', type: 'circle', filter: cluster, paint: { 'circle-color': colour('--point'), 'circle-radius': radius() } },
    { ...common, id: 'cluster-counts', type: 'symbol', filter: cluster,
      layout: { 'text-field': abbreviated(config.lang), 'text-font': bold, 'text-size': 13, 'text-allow-overlap': true, 'text-padding': 12 },
      paint: { 'text-color': colour('--on-point') } });
}

/** radius grows with the number of entries, slowly. */
const radius = () => ['interpolate', ['linear'], ['log10', ['get', 'point_count']], 0.3, 13, 1, 15, 2, 19, 3, 24, 5, 34];

/** abbreviated writes 1234 as 1,2 k. */
function abbreviated(lang) {
  const n = ['get', 'point_count'];
  const thousands = ['concat', ['number-format', ['/', n, 1000], { locale: lang, 'max-fraction-digits': 1 }], lang === 'fr' ? '\u202fk' : 'k'];
  return ['case', ['<', n, 1000], ['to-string', n], thousands];
}

function dot(name) {
  return { 'circle-color': colour(name), 'circle-stroke-color': colour('--point-edge'), 'circle-stroke-width': 2, 'circle-radius': ['interpolate', ['linear'], ['zoom'], 4, 5, 12, 8] };
}

function addShapes(style, common, prefix, name) {
  style.layers.push(
    { ...common, id: `${prefix}areas`, type: 'fill', filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': colour(name), 'fill-opacity': 0.25 } },
    { ...common, id: `${prefix}lines`, type: 'line', filter: ['!', point], paint: { 'line-color': colour(name), 'line-width': 2 } });
}

function addOverlay(style, name) {
  const id = `overlay:${name}`;
  style.sources[id] = tiles(name, '');
  const common = { source: id, 'source-layer': name };
  addShapes(style, common, `${id}-`, '--landmark');
  style.layers.push({ ...common, id: `${id}-points`, type: 'circle', filter: point, paint: { ...dot('--landmark'), 'circle-radius': ['case', cluster, 9, 5] } });
}

/** addLabels writes the names of territories where no base map does, and their counts where they are coloured. */
function addLabels(style, { state, base, labels }) {
  if (base && !state.view) return;
  for (const [level, from, to] of [['region', 4, 6.8], ['departement', 6.8, 12]]) {
    if (!labels[level] || state.view && state.view !== level) continue;
    style.sources[`${level}-labels`] = { type: 'geojson', data: { ...empty, features: labels[level] } };
    style.layers.push({ id: `${level}-labels`, type: 'symbol', source: `${level}-labels`, minzoom: state.view ? 0 : from, maxzoom: state.view ? 24 : to,
      layout: { 'text-field': ['get', 'text'], 'text-font': state.view ? bold : regular, 'text-size': 12, 'text-max-width': 8, 'text-padding': 4, 'symbol-sort-key': ['-', 0, ['get', 'count']] },
      paint: { 'text-color': state.view ? ['get', 'ink'] : colour('--map-label'), 'text-halo-color': state.view ? ['get', 'paper'] : colour('--map-land'), 'text-halo-width': 1.2 } });
  }
}

function addSelected(style, at) {
  const features = at ? [{ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: at } }] : [];
  style.sources.selected = { type: 'geojson', data: { ...empty, features } };
  style.layers.push({ id: 'selected', type: 'circle', source: 'selected',
    paint: { 'circle-color': colour('--selected'), 'circle-radius': 9, 'circle-stroke-width': 3, 'circle-stroke-color': colour('--point-edge') } });
}

let probe;
let known = new Map();

/** colour gives a colour of the style sheet as MapLibre reads it. It is looked up once, until forgetColours. */
export function colour(name) {
  if (!known.has(name)) known.set(name, computed(name));
  return known.get(name);
}

/** forgetColours is for when the colours of the style sheet have changed. */
export function forgetColours() {
  known = new Map();
}

function computed(name) {
  if (!probe) {
    probe = document.createElement('span');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
