// Territories: how many entries each has, as colours, as a legend and as a table.
import { askOnce, gaveUp, latest } from './api.js';
import { colour } from './style.js';
import { asked, write } from './state.js';

const none = { classes: [], byCode: new Map() };

/** makeTerritories counts by territory when the state asks for it. */
export function makeTerritories(page) {
  const { config, say } = page;
  const table = document.getElementById('counts');
  const legend = document.getElementById('legend');
  const get = latest();
  let counts = none;
  let shownFor = '';

  table.addEventListener('click', (event) => {
    const link = event.target.closest('a');
    if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    enter(link.dataset.code, link.textContent);
  });

  /** enter shows the entries of one territory. */
  function enter(code, name) {
    const within = `${page.state.view}:${code}`;
    page.labels.set(within, name);
    page.go({ within, view: '' });
    page.map.fit(within);
  }

  async function show() {
    const { view } = page.state;
    const address = view && `/geo/layers/${encodeURIComponent(config.layer.name)}/territories?${withLevel(asked(page.state, config), view)}`;
    if (address === shownFor) return;
    shownFor = address;
    if (!address) return draw([], '');
    try {
      draw((await get(address)).data, view);
    } catch (error) {
      if (gaveUp(error)) return;
      shownFor = '';
      document.getElementById('count').textContent = say('jsFailed');
    }
  }

  function draw(data, view) {
    counts = view ? { classes: classesOf(data), byCode: new Map(data.map((line) => [line.code, line])) } : none;
    table.hidden = legend.hidden = !view;
    table.replaceChildren(...(view ? [tableOf(page, data, view)] : []));
    legend.replaceChildren(...(view ? legendOf(page, counts.classes) : []));
    page.map.show();
  }

  return { show, enter, counts: () => counts };
}

function withLevel(params, level) {
  params.set('level', level);
  return params;
}

/** classesOf puts territories into at most five classes of about as many each. */
export function classesOf(data) {
  const counted = data.filter(({ count }) => count > 0);
  const values = [...new Set(counted.map(({ count }) => count))].sort((a, b) => a - b);
  const bounds = values.length <= 5 ? values : quantiles(counted.map(({ count }) => count).sort((a, b) => a - b));
  const classes = bounds.map((from, i) => ({ from, to: (bounds[i + 1] ?? Infinity) - 1, ramp: `--ramp-${rampAt(i, bounds.length)}` }));
  for (const one of classes) {
    const inside = counted.filter(({ count }) => count >= one.from && count <= one.to);
    one.codes = inside.map(({ code }) => code);
    one.to = Math.max(...inside.map(({ count }) => count));
  }
  return classes;
}

/** quantiles gives the least values of five classes of sorted numbers. */
function quantiles(sorted) {
  return [...new Set([0, 0.2, 0.4, 0.6, 0.8].map((share) => sorted[Math.floor(share * sorted.length)]))];
}

/** rampAt spreads few classes over the whole ramp. */
const rampAt = (i, classes) => (classes === 1 ? 3 : 1 + Math.round((i * 4) / (classes - 1)));

function legendOf({ say, number }, classes) {
  const title = document.createElement('strong');
  title.textContent = say('count');
  const list = document.createElement('ul');
  list.append(swatch('--ramp-0', say('jsNone')));
  for (const { from, to, ramp } of classes) list.append(swatch(ramp, from === to ? number(from) : `${number(from)} – ${number(to)}`));
  return [title, list];
}

function swatch(ramp, text) {
  const line = document.createElement('li');
  const box = document.createElement('span');
  box.className = 'swatch';
  box.style.background = `var(${ramp})`;
  line.append(box, text);
  return line;
}

function tableOf(page, data, view) {
  const { say, number, config, state } = page;
  const table = document.createElement('table');
  table.createCaption().textContent = say(`${view}s`);
  const head = table.createTHead().insertRow();
  for (const name of ['territory', 'count']) head.append(headCell(say(name)));
  const body = table.createTBody();
  for (const { code, name, count } of [...data].filter(({ count }) => count > 0).sort((a, b) => b.count - a.count || a.name.localeCompare(b.name, config.lang))) {
    const row = body.insertRow();
    const link = document.createElement('a');
    link.href = config.path + write({ ...state, within: `${view}:${code}`, view: '', after: '' }, config);
    link.dataset.code = code;
    link.textContent = name;
    row.insertCell().append(link);
    row.insertCell().textContent = number(count);
  }
  return table;
}

function headCell(text) {
  const cell = document.createElement('th');
  cell.scope = 'col';
  cell.textContent = text;
  return cell;
}

/** deep are the colours that dark letters cannot be read on, or light ones in the dark. */
const deep = ['--ramp-4', '--ramp-5'];

/** labelsOf gives the names of the territories of a level as points, with their counts where they are coloured. */
export async function labelsOf(level, view, { classes, byCode }, number) {
  const { features } = await askOnce(`/geo/outlines/${level}`);
  const rampOf = (code) => classes.find(({ codes }) => codes.includes(code))?.ramp ?? '--ramp-0';
  return features.map(({ properties: { code, name }, geometry }) => {
    const count = byCode.get(code)?.count ?? 0;
    const ramp = rampOf(code);
    const inks = { ink: colour(deep.includes(ramp) ? '--on-ramp' : '--text'), paper: colour(ramp) };
    const text = view === level ? (count ? number(count) : '') : (name ?? '').replaceAll("'", '’');
    return { type: 'Feature', properties: { text, count, ...inks }, geometry: { type: 'Point', coordinates: middle(geometry) } };
  });
}

/** middle is the centre of mass of the largest polygon. */
function middle({ type, coordinates }) {
  const rings = type === 'Polygon' ? [coordinates[0]] : coordinates.map(([outer]) => outer);
  const [best] = rings.map(mass).sort((a, b) => b.area - a.area);
  return best.at;
}

function mass(ring) {
  let [twice, x, y] = [0, 0, 0];
  for (let i = 1; i < ring.length; i++) {
    const cross = ring[i - 1][0] * ring[i][1] - ring[i][0] * ring[i - 1][1];
    twice += cross;
    x += (ring[i - 1][0] + ring[i][0]) * cross;
    y += (ring[i - 1][1] + ring[i][1]) * cross;
  }
  return { area: Math.abs(twice), at: twice ? [x / (3 * twice), y / (3 * twice)] : ring[0] };
}

/** boundsOf is the box around an outline, west, south, east, north; nothing where there is none. */
export async function boundsOf(level, code) {
  if (level !== 'region' && level !== 'departement') return null;
  const { features } = await askOnce(`/geo/outlines/${level}`);
  const found = features.find(({ properties }) => properties.code === code);
  if (!found) return null;
  const positions = found.geometry.coordinates.flat(found.geometry.type === 'Polygon' ? 1 : 2);
  const [lon, lat] = [0, 1].map((axis) => positions.map((position) => position[axis]));
  return [[Math.min(...lon), Math.min(...lat)], [Math.max(...lon), Math.max(...lat)]];
}
