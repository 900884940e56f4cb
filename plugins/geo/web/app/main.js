// The page: one state, which the address holds, and the parts that show it.
import { read, write } from './state.js';
import { makeMap } from './map.js';
import { makeList } from './list.js';
import { makeFilters } from './filters.js';
import { makeSearch } from './search.js';
import { makeTerritories } from './territories.js';
import { announceHeight } from './frame.js';

const config = JSON.parse(document.body.dataset.config);
if (config.known) history.replaceState(null, '', config.known + location.hash);
const page = { config, state: read(location.search), labels: new Map(), go, say, number };
page.labels.set(page.state.within, config.withinLabel);

/** say gives a text of the page; %n in it becomes a number. */
function say(name, n) {
  return (config.words[name] ?? '').replace('%n', n === undefined ? '' : number(n));
}

function number(n) {
  return n.toLocaleString(config.lang);
}

/** go changes the state, the address and all that is shown. The list begins anew unless the change says where. */
function go(change) {
  page.state = { ...page.state, after: '', ...change };
  document.getElementById('unknown')?.remove();
  const address = config.path + write(page.state, config) + location.hash;
  if (address !== location.pathname + location.search + location.hash) history.pushState(null, '', address);
  show();
}

function show() {
  page.filters.show();
  page.territories.show();
  page.map.show();
  page.list.show();
  linkLanguages();
}

/** linkLanguages lets the links to other languages, and out of the frame, lead to what is shown. */
function linkLanguages() {
  for (const link of document.querySelectorAll('.languages a, .large')) {
    const lang = link.hreflang || (config.explicit ? config.lang : '');
    const path = link.hreflang ? config.path : '/map';
    link.href = path + write(page.state, { explicit: lang !== '', lang }) + location.hash;
  }
}

page.filters = makeFilters(page);
page.list = makeList(page);
page.territories = makeTerritories(page);
page.map = makeMap(page, { moved: () => { page.list.moved(); linkLanguages(); } });
makeSearch(page);

addEventListener('popstate', () => {
  page.state = read(location.search);
  show();
});

page.filters.show();
page.territories.show();
page.map.begin();
linkLanguages();
if (page.state.area) page.list.show();
if (config.embed) announceHeight();
