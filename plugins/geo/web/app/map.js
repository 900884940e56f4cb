// The map: what it shows follows the state, and what is clicked on it is told.
import { ask } from './api.js';
import { entriesIn, makePopup, most } from './popup.js';
import { forgetColours, styleOf } from './style.js';
import { boundsOf, labelsOf } from './territories.js';

const still = matchMedia('(prefers-reduced-motion: reduce)');
const dark = matchMedia('(prefers-color-scheme: dark)');
const wide = matchMedia('(min-width: 52rem)');
const zoomOf = { commune: 12, epci: 9.5, departement: 8, region: 7 };

/** makeMap prepares the map; begin draws it. Without WebGL the page goes on without it. */
export function makeMap(page, { moved }) {
  const { config, say } = page;
  const container = document.getElementById('map');
  const shown = { config, state: page.state, base: null, counts: null, labels: {}, selected: null };
  let map;
  let popup;
  let current = [];

  async function begin() {
    const placed = location.hash !== ''; // MapLibre writes there what the map shows
    maplibregl.setWorkerUrl(config.worker);
    maplibregl.prewarm(); // the worker reads its script while the map is made
    await loadBase();
    shown.counts = page.territories.counts();
    try {
      map = create(container, config, say, styleOf(shown));
    } catch {
      container.append(notice(say('jsNoMap')));
      container.closest('.map').classList.add('without');
      return;
    }
    popup = makePopup(page, map, () => select(null, []));
    listen();
    if (page.state.within && !placed) await fit(page.state.within, false);
    await entriesDrawn(map);
    document.querySelector('.picture')?.remove();
    await show(); // with the names of territories, which are drawn letter by letter
    map.on('idle', () => container.setAttribute('aria-busy', 'false'));
    map.once('idle', () => performance.mark('map-idle'));
  }

  /** loadBase asks for the base map as it is by day or by night. */
  async function loadBase() {
    if (!config.style) return;
    const address = new URL(config.style, location.href);
    address.searchParams.set('theme', dark.matches ? 'dark' : 'light');
    shown.base = await ask(address).catch(() => null);
  }

  function listen() {
    map.on('click', clicked);
    map.on('mousemove', ({ point }) => { map.getCanvas().style.cursor = under(point).length ? 'pointer' : ''; });
    map.on('moveend', moved);
    dark.addEventListener('change', () => {
      forgetColours();
      loadBase().then(show);
    });
    document.getElementById('jumps')?.addEventListener('change', jump);
    addEventListener('beforeprint', () => picture(map));
  }

  /** under finds what is drawn near a point of the screen: a finger is not as exact as a mouse. */
  function under({ x, y }) {
    const reach = matchMedia('(pointer: coarse)').matches ? 10 : 4;
    const known = map.getStyle()?.layers.filter(({ id }) => /^(clusters|points|lines|areas|territories|overlay:.*)$/.test(id)).map(({ id }) => id) ?? [];
    return known.length ? map.queryRenderedFeatures([[x - reach, y - reach], [x + reach, y + reach]], { layers: known }) : [];
  }

  function clicked({ point, lngLat }) {
    const found = under(point);
    const cluster = found.find(({ properties }) => properties.point_count);
    const entries = found.filter(({ source }) => source === 'content');
    if (!found.length) popup.close();
    else if (cluster) approach(cluster);
    else if (entries.length) open(entriesIn(config.layer, entries), lngLat);
    else if (found[0].layer.id === 'territories') territory(found[0].properties, lngLat);
    else popup.landmark(lngLat, found[0].properties);
  }

  /** approach goes to where a cluster parts; where it never does, it tells what is in it. */
  function approach({ source, geometry: { coordinates: center }, properties }) {
    if (!properties.stacked) map.easeTo({ center, zoom: Math.min(map.getZoom() + (properties.expansion ?? 2), map.getMaxZoom()) });
    else if (source === 'content') openStack(center);
    else popup.landmark(center, properties);
  }

  async function openStack(at) {
    const { entries, total } = await page.list.around(at, most).catch(() => ({ entries: [], total: 0 }));
    if (!entries.length) return;
    select(at, entries.map(({ id }) => id));
    await popup.entries(at, entries, map.getCanvas(), total);
  }

  function open(entries, lngLat) {
    const at = entries[0].at ?? lngLat;
    select(entries[0].at, entries.map(({ id }) => id));
    return popup.entries(at, entries, map.getCanvas());
  }

  function territory({ code, name }, lngLat) {
    const counted = page.territories.counts().byCode.get(code);
    popup.territory(lngLat, counted ?? { code, name: name ?? code, count: 0 });
  }

  /** select rings a place, and marks its entries in the list. */
  function select(at, ids) {
    [shown.selected, current] = [at, ids];
    page.list.mark();
    return show();
  }

  async function show() {
    if (!map) return;
    const counts = page.territories.counts();
    const { view } = page.state;
    const levels = shown.base && !view ? [] : ['region', 'departement'];
    const labels = await Promise.all(levels.map((level) => labelsOf(level, view, counts, page.number).catch(() => [])));
    Object.assign(shown, { state: page.state, counts, labels: Object.fromEntries(levels.map((level, i) => [level, labels[i]])) });
    container.setAttribute('aria-busy', 'true');
    map.setStyle(styleOf(shown));
    map.triggerRepaint(); // so that it says when it is done, also where nothing is different
  }

  function jump({ target }) {
    const [zoom, lat, lon] = target.value.split('/').map(Number);
    target.value = '';
    map.jumpTo({ center: [lon, lat], zoom: fitted(container, zoom) });
  }

  /** nearest is how near to go to see where something is: without a base map there is little to see but the outlines. */
  const nearest = () => (shown.base ? 12 : 9);

  /** locate goes to an entry and says what it is; button is what asked for it. */
  async function locate(entry, button) {
    if (!map || !entry.at) return;
    if (page.state.view) page.go({ view: '', after: page.state.after });
    container.closest('.map').scrollIntoView({ block: 'nearest', behavior: still.matches ? 'auto' : 'smooth' });
    select(entry.at, [entry.id]);
    map.flyTo({ center: entry.at, zoom: Math.max(map.getZoom(), nearest()) });
    await popup.entries(entry.at, [entry], button);
  }

  /** fit shows a territory: its outline where it has one, else where it is. */
  async function fit(within, moving = true) {
    if (!map) return;
    const [level, code] = within.split(':');
    const bounds = await boundsOf(level, code).catch(() => null);
    if (bounds) return void map.fitBounds(bounds, { padding: 40, animate: moving });
    const found = await ask(`/geo/territories/${encodeURIComponent(code)}?level=${encodeURIComponent(level)}`).catch(() => null);
    if (found?.center) go(found.center, level, moving);
  }

  function go(center, level, moving = true) {
    map?.[moving ? 'flyTo' : 'jumpTo']({ center, zoom: Math.min(zoomOf[level] ?? 11, nearest()) });
  }

  return {
    begin, show, locate, fit, go,
    here: (id) => current.includes(id),
    /** box is what the map shows, as bbox= takes it. */
    box() {
      const bounds = map?.getBounds();
      if (!bounds) return '';
      const [west, south, east, north] = bounds.toArray().flat();
      return [Math.max(west, -180), Math.max(south, -90), Math.min(east, 180), Math.min(north, 90)].map((n) => n.toFixed(4)).join(',');
    },
  };
}

/** fitted lowers a zoom that was chosen for a large map, so that a small one shows as much. */
function fitted({ clientWidth, clientHeight }, zoom) {
  return zoom + Math.min(0, Math.log2(Math.min(clientWidth, clientHeight) / 680));
}

function create(container, config, say, style) {
  const map = new maplibregl.Map({
    container, hash: true, style, center: [config.start.lon, config.start.lat], zoom: fitted(container, config.start.zoom),
    minZoom: 1, maxZoom: 19, maxPitch: 0, dragRotate: false, attributionControl: false, cooperativeGestures: config.embed,
    fadeDuration: still.matches ? 0 : 200, renderWorldCopies: false, locale: wordsOf(say),
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new maplibregl.NavigationControl({ showCompass: false }), 'top-right');
  if (document.fullscreenEnabled) map.addControl(new maplibregl.FullscreenControl({ container: container.closest('.map') }), 'top-right');
  map.addControl(new maplibregl.ScaleControl({ maxWidth: 90 }), wide.matches ? 'bottom-right' : 'bottom-left');
  return map;
}

/** entriesDrawn waits until the first entries are drawn, or there is nothing to wait for. It is marked in the browser's timeline,
 * for bench.mjs and those who watch their site. */
function entriesDrawn(map) {
  return new Promise((resolve) => {
    const look = ({ type }) => {
      if (type === 'render' && !(map.getSource('content') && map.isSourceLoaded('content'))) return;
      for (const { unsubscribe } of watched) unsubscribe();
      performance.mark('map-drawn');
      resolve();
    };
    const watched = ['render', 'idle'].map((event) => map.on(event, look));
  });
}

function wordsOf(say) {
  return {
    'Map.Title': say('jsMap'), 'NavigationControl.ZoomIn': say('jsZoomIn'), 'NavigationControl.ZoomOut': say('jsZoomOut'), 'Popup.Close': say('jsClose'),
    'FullscreenControl.Enter': say('jsFullscreen'), 'FullscreenControl.Exit': say('jsFullscreenExit'),
    'CooperativeGesturesHandler.WindowsHelpText': say('jsGestureCtrl'), 'CooperativeGesturesHandler.MacHelpText': say('jsGestureCommand'), 'CooperativeGesturesHandler.MobileHelpText': say('jsGestureTouch'),
  };
}

function notice(text) {
  const made = document.createElement('p');
  made.className = 'notice';
  made.textContent = text;
  return made;
}

/** picture puts what the map shows where a printer finds it: what WebGL draws is not printed by every browser. */
function picture(map) {
  const image = document.querySelector('.printed');
  map.redraw();
  image.src = map.getCanvas().toDataURL();
  image.hidden = false;
}
