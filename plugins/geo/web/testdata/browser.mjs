// What the page does in a browser. browser_test.go starts the servers, and says where they are:
// PLAIN has no base map, BASED has one.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec';
import { chromium } from 'playwright-core';
import { asked, read, write } from '../app/state.js';
import states from './states.json' with { type: 'json' };

const { PLAIN, BASED, CHROMIUM, PALABRE_TEST_SHOTS: shots } = process.env;
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const desk = { viewport: { width: 1280, height: 800 } };
const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

let browser;
before(async () => { browser = await chromium.launch({ executablePath: CHROMIUM, args: flags }); });
after(() => browser.close());

/** visit opens an address, waits for the map, lets look do what it does, and holds that nothing went wrong (fails: but for
 * answers that were to fail) and that no other host was asked. */
async function visit(address, { fails, ...options }, look) {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...desk, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const wrong = [];
  page.on('console', (message) => { if (message.type() === 'error') wrong.push(message.text()); });
  page.on('pageerror', (error) => wrong.push(error.stack));
  page.on('request', (request) => { if (![PLAIN, BASED].includes(new URL(request.url()).origin) && !request.url().startsWith('data:')) wrong.push(`asks ${request.url()}`); });
  try {
    await page.goto(address);
    if (options.javaScriptEnabled !== false && !address.includes('/elsewhere')) await drawn(page);
    await look(page);
    assert.deepEqual(fails ? wrong.filter((text) => !text.includes('503')) : wrong, []);
  } finally {
    await context.close();
  }
}

/** drawn waits until the map has nothing left to do. */
const drawn = (page) => page.waitForSelector('#map[aria-busy=false]');
const counted = (page) => page.textContent('#count');
const query = (page) => decodeURIComponent(new URL(page.url()).search);
const position = (page) => new URL(page.url()).hash.slice(1).split('/').map(Number);

/** recounted waits until the list shows another count. */
async function recounted(page, before) {
  await page.waitForFunction((text) => document.getElementById('count').textContent !== text && !document.getElementById('entries').hasAttribute('aria-busy'), before);
  return counted(page);
}

const number = (text) => Number(text.replace(/\D/g, ''));

describe('addresses', () => {
  const config = { layer: { params: '' } };
  const plain = (params) => decodeURIComponent(String(params).replaceAll('+', ' ').replace(/^\?/, ''));
  for (const { name, address, ...want } of states) {
    test(name, () => {
      const state = read(`?${address}`);
      assert.equal(plain(asked(state, config)), want.asked);
      assert.equal(plain(write(state, config)), want.again);
    });
  }
});

describe('the map', () => {
  test('a click on a cluster goes nearer, the address says where', () => visit(`${PLAIN}/map#5/48.8/2.35`, {}, async (page) => {
    const tiles = page.waitForResponse((answer) => answer.url().includes('/geo/layers/fiche/7/'));
    const box = await page.locator('#map').boundingBox();
    await clickCluster(page, box);
    await tiles;
    assert.equal(Math.round(position(page)[0]), 7);
  }));

  test('workers come from this site, and not out of a blob', () => visit(`${PLAIN}/map`, {}, (page) => {
    assert.ok(page.workers().length > 0);
    for (const worker of page.workers()) assert.match(worker.url(), /\/map\/assets\/[0-9a-f]{12}\/maplibre-worker\.js$/);
  }));

  test('a position in the address is shown', () => visit(`${PLAIN}/map#9/45.75/4.85`, {}, (page) => {
    assert.deepEqual(position(page), [9, 45.75, 4.85]);
  }));

  test('an entry of the list is found on the map; the keyboard goes into the popup and back', () => visit(`${PLAIN}/map`, {}, async (page) => {
    const button = page.locator('.entries .locate').first();
    await button.focus();
    await page.keyboard.press('Enter');
    const popup = page.getByRole('dialog');
    await popup.waitFor();
    const title = await page.locator('.entries .title').first().textContent();
    assert.equal(await popup.getByRole('link').textContent(), title);
    assert.match(await popup.getByRole('link').getAttribute('href'), /\/browse\/fiche\/fiche-\d+$/);
    assert.equal(await popup.locator('.place').textContent(), 'Paris');
    assert.equal(await popup.evaluate((element) => element.contains(document.activeElement)), true);
    assert.equal(await page.locator('.entries li[data-here]').count(), 1);
    await popup.getByRole('button', { name: 'Fermer' }).press('Enter');
    await popup.waitFor({ state: 'detached' });
    assert.equal(await button.evaluate((element) => element === document.activeElement), true);
  }));

  test('entries in the same place are told together', () => visit(`${PLAIN}/map?q=marseille`, {}, async (page) => {
    await page.locator('.entries .locate').first().click();
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').getByRole('button').click();
    await drawn(page);
    const box = await page.locator('#map').boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    await page.getByRole('dialog').waitFor();
    assert.match(await page.getByRole('dialog').textContent(), /^7 contenus à cet endroit/);
    assert.equal(await page.getByRole('dialog').getByRole('link').count(), 5);
    assert.match(await page.getByRole('dialog').textContent(), /et 2 autres/);
    if (shots) await page.screenshot({ path: `${shots}/stack.png` });
  }));

  test('the base map is drawn, and the content in its style not twice; a territory is gone to', () => visit(`${BASED}/map?within=departement:69`, { colorScheme: 'dark' }, async (page) => {
    const asked = await page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name));
    assert.ok(asked.some((name) => name.endsWith('/geo/style.json?theme=dark')));
    assert.ok(asked.some((name) => name.includes('/geo/outlines/departement')) && !asked.some((name) => name.includes('/geo/outlines/region')));
    await page.waitForFunction(() => Number(location.hash.slice(1).split('/')[0]) > 7);
    if (shots) await drawn(page).then(() => page.screenshot({ path: `${shots}/base.png` }));
  }));

  test('places overseas are one choice away', () => visit(`${PLAIN}/map`, {}, async (page) => {
    await page.getByLabel('Aller à…').selectOption('La Réunion');
    await page.waitForFunction(() => location.hash.includes('/-21.13/55.53'));
  }));

  test('a browser without WebGL keeps the list', () => visit(`${PLAIN}/map`, { javaScriptEnabled: false }, async () => {
    const context = await browser.newContext(desk);
    const page = await context.newPage();
    await page.addInitScript(() => { HTMLCanvasElement.prototype.getContext = () => null; });
    await page.goto(`${PLAIN}/map`);
    await page.getByText('ne peut pas afficher la carte').waitFor();
    await page.getByRole('link', { name: 'Page suivante' }).click();
    await page.waitForURL(/after=20/);
    await context.close();
  }));
});

/** clickCluster clicks where a cluster lies: its colour is found on the screen. */
async function clickCluster(page, box) {
  const shot = await page.locator('#map canvas').screenshot();
  const at = await page.evaluate(async (bytes) => {
    const picture = await createImageBitmap(new Blob([Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const context = canvas.getContext('2d');
    context.drawImage(picture, 0, 0);
    const { data, width, height } = context.getImageData(0, 0, picture.width, picture.height);
    const green = (x, y) => { const i = (y * width + x) * 4; return data[i] === 11 && data[i + 1] === 93 && data[i + 2] === 80; };
    for (let y = 60; y < height - 60; y++) for (let x = 60; x < width - 100; x++) if (green(x, y) && green(x + 8, y) && green(x - 8, y) && green(x, y + 6)) return [x, y];
    return null;
  }, shot.toString('base64'));
  assert.ok(at, 'there is no cluster');
  await page.mouse.click(box.x + at[0], box.y + at[1]);
}

describe('the picture that comes with the page', () => {
  /** late lets the map come no sooner than the function that it gives says. */
  async function late(options) {
    const context = await browser.newContext({ reducedMotion: 'reduce', ...desk, ...options });
    const page = await context.newPage();
    let come;
    const coming = new Promise((resolve) => { come = resolve; });
    await page.route('**/maplibre.js', (route) => coming.then(() => route.continue()));
    return { page, context, come };
  }

  for (const [options, text] of [[desk, '1,1\u202fk'], [{ ...phone, colorScheme: 'dark' }, '1,1\u202fk']]) {
    test(`it is there before the map, which takes its place: ${options.viewport.width}`, async () => {
      const { page, context, come } = await late(options);
      await page.goto(`${PLAIN}/map`, { waitUntil: 'commit' });
      await page.waitForFunction(() => document.querySelector('.picture text') && getComputedStyle(document.querySelector('.picture')).position === 'absolute'); // the style is there
      const shown = page.locator('.picture text:visible');
      assert.equal(await shown.textContent(), text);
      if (shots) await page.screenshot({ path: `${shots}/picture-${options.viewport.width}.png` });
      come();
      await drawn(page);
      assert.equal(await page.locator('.picture').count(), 0);
      await context.close();
    });
  }

  test('it is not shown where the address says another place', async () => {
    const { page, context, come } = await late();
    await page.goto(`${PLAIN}/map#9/45.75/4.85`, { waitUntil: 'commit' });
    await page.waitForFunction(() => 'placed' in document.documentElement.dataset);
    assert.equal(await page.locator('.picture').isVisible(), false);
    come();
    await drawn(page);
    await context.close();
  });

  test('it stays where there is no map', () => visit(`${PLAIN}/map`, { javaScriptEnabled: false }, async (page) => {
    assert.equal(await page.locator('.picture').isVisible(), true);
    assert.equal(await page.locator('#map .notice').isVisible(), true);
    if (shots) await page.screenshot({ path: `${shots}/picture-alone.png` });
  }));
});

describe('styles', () => {
  for (const [site, colorScheme] of [['PLAIN', 'light'], ['BASED', 'dark']]) { // and in the other colours at the end
    test(`what the map is given is what the style specification asks for: ${site}, ${colorScheme}`, () => visit(`${process.env[site]}/map?lang=en`, { colorScheme }, async (page) => {
      await page.evaluate(() => {
        window.given = [];
        const { setStyle } = maplibregl.Map.prototype;
        maplibregl.Map.prototype.setStyle = function (style) {
          given.push(JSON.stringify(style));
          return setStyle.call(this, style);
        };
      });
      const after = async (act) => {
        const n = await page.evaluate(() => given.length);
        await act();
        await page.waitForFunction((n) => given.length > n, n);
        await drawn(page);
      };
      await after(() => page.getByRole('radio', { name: 'Départements' }).check());
      await after(() => page.getByRole('radio', { name: 'Regions' }).check());
      await after(() => page.getByRole('radio', { name: 'Points' }).check());
      await page.locator('summary', { hasText: 'Landmarks' }).click();
      await after(() => page.getByLabel(/Mairies/).check());
      await after(() => page.locator('.entries .locate').first().click());
      await after(() => page.emulateMedia({ colorScheme: colorScheme === 'dark' ? 'light' : 'dark' }));
      const styles = await page.evaluate(() => given);
      assert.ok(styles.some((style) => style.includes('"territories"')) && styles.some((style) => style.includes('overlay:mairies')) && styles.some((style) => style.includes('"cluster-counts"')));
      for (const style of styles) assert.deepEqual(validateStyleMin(JSON.parse(style)).map(({ message }) => message), [], style);
    }));
  }
});

describe('filters', () => {
  test('a choice filters list, map and address alike; going back takes it away', () => visit(`${PLAIN}/map`, {}, async (page) => {
    const all = await counted(page);
    const tile = page.waitForRequest((request) => request.url().includes('.mvt') && decodeURIComponent(request.url()).includes('filter[approaches]=BP'));
    await page.locator('summary', { hasText: 'Type de démarche' }).click();
    const choice = page.getByLabel(/Budget et financement participatif/);
    const promised = number(await choice.locator('xpath=..').locator('.count').textContent());
    await choice.check();
    await tile;
    const some = await recounted(page, all);
    assert.equal(number(some), promised);
    assert.equal(query(page), '?filter[approaches]=BP');
    await page.getByLabel(/Participation en ligne/).check();
    assert.ok(number(await recounted(page, some)) > promised, 'two values of a field are one or the other');
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('details[open]').count(), 0);
    assert.equal(await page.locator('#chips li').count(), 3);
    await page.goBack();
    await page.goBack();
    await recounted(page, some);
    assert.equal(await counted(page), all);
    assert.equal(await page.locator('#chips').isVisible(), false);
  }));

  test('what an address asks for and is not there is left out, and said so until something else is chosen', () => visit(`${PLAIN}/map?filter[nosuch]=x&filter[approaches]=BP`, {}, async (page) => {
    assert.match(await page.textContent('#unknown'), /filter\[nosuch\]/);
    assert.equal(query(page), '?filter[approaches]=BP');
    assert.equal(await page.locator('#chips li').count(), 1);
    const some = await counted(page);
    await page.locator('#chips a').first().click();
    await recounted(page, some);
    assert.equal(await page.locator('#unknown').count(), 0);
  }));

  test('the count is told to those who do not see it', () => visit(`${PLAIN}/map?lang=en`, {}, async (page) => {
    assert.equal(await page.getByRole('status').textContent(), '1,110 results');
    assert.equal(await page.getByRole('status').getAttribute('aria-live'), 'polite');
  }));

  test('a word and Enter search the entries', () => visit(`${PLAIN}/map`, {}, async (page) => {
    const all = await counted(page);
    await page.getByRole('combobox', { name: 'Rechercher' }).fill('marseille');
    await page.keyboard.press('Enter');
    assert.equal(await recounted(page, all), '7 résultats');
    assert.equal(query(page), '?q=marseille');
  }));

  test('a territory is found by the keyboard', () => visit(`${PLAIN}/map`, {}, async (page) => {
    const all = await counted(page);
    const field = page.getByRole('combobox', { name: 'Rechercher' });
    await field.pressSequentially('bretag');
    await page.getByRole('option', { name: /^Bretagne région/ }).waitFor();
    assert.equal(await field.getAttribute('aria-expanded'), 'true');
    do await page.keyboard.press('ArrowDown'); while (!/^Bretagne\s*région/.test(await page.locator('#suggestions [aria-selected=true]').textContent()));
    await page.keyboard.press('Enter');
    await recounted(page, all);
    assert.equal(query(page), '?within=region:53');
    assert.match(await page.locator('#chips').textContent(), /Bretagne/);
    await page.waitForFunction(() => location.hash.includes('/48.'));
  }));

  test('a server that fails is told of, and asked again', () => visit(`${PLAIN}/map`, { fails: true }, async (page) => {
    await page.route('**/api/v1/content/fiche?*', (route) => route.fulfill({ status: 503, body: '{}' }));
    await page.locator('summary', { hasText: 'Thématique' }).click();
    await page.getByLabel(/Environnement/).check();
    await page.waitForFunction(() => document.getElementById('count').textContent.startsWith('Le serveur ne répond pas'));
    await page.unroute('**/api/v1/content/fiche?*');
    await page.getByLabel(/Environnement/).uncheck();
    await page.waitForFunction(() => document.getElementById('count').textContent.endsWith('résultats'));
  }));

  test('the list can be kept to what the map shows', () => visit(`${PLAIN}/map#11/45.76/4.84`, {}, async (page) => {
    const all = await counted(page);
    await page.getByLabel('Limiter à la zone affichée').check();
    const here = await recounted(page, all);
    assert.match(here, /dans la zone affichée$/);
    await page.getByRole('button', { name: 'Réduire' }).click();
    assert.ok(number(await recounted(page, here)) > number(here));
  }));
});

describe('territories', () => {
  test('they are coloured, counted in a table, and lead to their entries', () => visit(`${PLAIN}/map?lang=en`, {}, async (page) => {
    const all = await counted(page);
    await page.getByRole('radio', { name: 'Départements' }).check();
    await page.getByRole('table').waitFor();
    assert.equal(await page.locator('#legend li').count(), 6);
    const row = page.getByRole('row').nth(1);
    const promised = await row.getByRole('cell').last().textContent();
    await row.getByRole('link').click();
    assert.equal(number(await recounted(page, all)), number(promised));
    assert.match(query(page), /within=departement:/);
    assert.equal(await page.locator('#legend').isVisible(), false);
  }));

  test('a view that is changed to shows the same as one that is opened', () => visit(`${PLAIN}/map?view=departement`, {}, async (page) => {
    const opened = await page.locator('#map canvas').screenshot();
    await page.getByRole('radio', { name: 'Points' }).check();
    await page.locator('#legend').waitFor({ state: 'hidden' });
    await drawn(page);
    await page.getByRole('radio', { name: 'Départements' }).check();
    await page.locator('#legend').waitFor();
    let same = false;
    for (const until = Date.now() + 15_000; !same && Date.now() < until;) {
      await drawn(page);
      same = opened.equals(await page.locator('#map canvas').screenshot());
    }
    assert.ok(same, 'the two pictures differ');
  }));

  test('a click on one says its count', () => visit(`${PLAIN}/map?view=region#7/48.1/-2.8`, {}, async (page) => {
    const box = await page.locator('#map').boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    const popup = page.getByRole('dialog', { name: 'Bretagne' });
    await popup.getByRole('button', { name: 'Voir ces contenus' }).click();
    await page.waitForURL(/within=region/);
  }));
});

describe('without scripts', () => {
  const options = { javaScriptEnabled: false };

  test('the list has pages, filters and links; the sources are named', () => visit(`${PLAIN}/map`, options, async (page) => {
    assert.equal(await page.locator('.entries li').count(), 20);
    assert.match(await page.textContent('.attribution'), /Licence Ouverte/);
    assert.equal(await page.getByText('Voir sur la carte').first().isVisible(), false);
    await page.getByRole('link', { name: 'Page suivante' }).click();
    await page.waitForURL(/after=20/);
    await page.locator('summary', { hasText: 'Thématique' }).click();
    await page.getByLabel(/Environnement/).check();
    await page.getByRole('button', { name: 'Appliquer' }).click();
    await page.waitForURL(/filter%5Bthemes%5D=ENV/);
    assert.ok(number(await counted(page)) < 1110);
    await page.getByRole('link', { name: /Retirer le filtre/ }).click();
    assert.equal(number(await counted(page)), 1110);
    await page.getByRole('radio', { name: 'Régions' }).check();
    await page.getByRole('button', { name: 'Rechercher' }).click();
    await page.getByRole('link', { name: 'Bretagne' }).click();
    await page.waitForURL(/within=region%3A53/);
  }));
});

describe('elsewhere', () => {
  test('a component shows the map on another site, as high as it is', () => visit(`${BASED}/elsewhere?of=${PLAIN}`, {}, async (page) => {
    const frame = page.frameLocator('iframe[title="Les budgets participatifs"]');
    await frame.locator('#map[aria-busy=false]').waitFor();
    assert.equal(await frame.locator('header').count(), 0);
    assert.match(await frame.locator('.attribution').textContent(), /Licence Ouverte.*Ouvrir la carte en grand/s);
    assert.match(await frame.locator('#chips').textContent(), /Budget et financement participatif/);
    await page.waitForFunction(() => document.querySelector('iframe').style.blockSize === '672px');
    assert.match(await page.locator('iframe').getAttribute('src'), /#7\/48\.1\/-2\.8$/);
    assert.equal(await page.locator('palabre-map a').count(), 0);
  }));
});

describe('for everybody', () => {
  for (const [colorScheme, lang, address, options] of [
    ['light', 'fr', '/map', desk], ['dark', 'en', '/map?filter[approaches]=BP', desk], ['dark', 'fr', '/map?view=departement', desk], ['light', 'en', '/map?filter[nosuch]=x&filter[approaches]=BP', desk], ['light', 'en', '/map/embed', desk],
    ['light', 'en', '/map?view=region', phone], ['dark', 'fr', '/map?filter[themes]=ENV&within=region:53', phone], ['light', 'fr', '/map/embed', phone], ['dark', 'fr', '/map?filter[nosuch]=x', phone],
  ]) {
    const name = `${options === desk ? 'desk' : 'phone'} ${colorScheme} ${lang} ${address}`;
    test(name, () => visit(`${PLAIN}${address}${address.includes('?') ? '&' : '?'}lang=${lang}`, { ...options, colorScheme }, async (page) => {
      assert.equal(await page.getAttribute('html', 'lang'), lang);
      if (shots) await page.screenshot({ path: `${shots}/${name.replace(/\W+/g, '-')}.png` });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, 'it does not fit its width');
      assert.deepEqual(await barriers(page), []);
    }));
  }

  test('the keyboard reaches everything, beginning with the way to the list', () => visit(`${PLAIN}/map`, {}, async (page) => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Aller à la liste');
    const reached = [];
    for (let i = 0; i < 25; i++) {
      await page.keyboard.press('Tab');
      reached.push(await page.evaluate(() => document.activeElement.id || document.activeElement.name || document.activeElement.className || document.activeElement.tagName));
    }
    for (const wanted of ['q', 'SUMMARY', 'view', 'maplibregl-canvas', 'jumps', 'area', 'title']) assert.ok(reached.includes(wanted), `${wanted} is not among ${reached}`);
  }));

  test('on paper there are the map as a picture and the list', () => visit(`${PLAIN}/map`, {}, async (page) => {
    await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
    await page.emulateMedia({ media: 'print' });
    assert.equal(await page.locator('.printed').isVisible(), true);
    assert.equal(await page.locator('.bar').isVisible(), false);
    assert.equal(await page.locator('.attribution').isVisible(), true);
    if (shots) await page.screenshot({ path: `${shots}/print.png`, fullPage: true });
  }));

  test('what an entry is called is text', () => visit(`${PLAIN}/map`, {}, async (page) => {
    const line = page.locator('.entries li', { hasText: '<script>alert' });
    await line.getByRole('button').click();
    assert.match(await page.getByRole('dialog').textContent(), /<script>alert\("é & <b>"\)/);
    assert.equal(await page.locator('body script').count(), 0);
  }));
});

/** barriers lists what axe finds against WCAG 2.1 AA. */
async function barriers(page) {
  await page.evaluate(await source());
  const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

let text;
const source = async () => (text ??= await (await import('node:fs/promises')).readFile(axe, 'utf8'));
