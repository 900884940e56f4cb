// Measures when a reader sees the map page, in Chromium with a processor that is throttled: node bench.mjs ADDRESS [TIMES].
// The network is whatever leads to the address. Writes JSON: of each run the milliseconds from the navigation on until
//
//	paint    something is painted: the page with its list is one document, so that is there too
//	picture  the server's drawing of the map is painted, with its points and clusters
//	map      the map itself has drawn them, and can be moved
//	idle     nothing is left to load or to draw
//
// and how many requests were made, and bytes transferred, until then. "again" is a visit with what the first one left in the cache.
import { chromium } from 'playwright-core';

const [address, times = '5'] = process.argv.slice(2);
const { CHROMIUM = '/usr/bin/chromium', THROTTLE = '4', WIDTH = '390', HEIGHT = '844' } = process.env;
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

const browser = await chromium.launch({ executablePath: CHROMIUM, args: flags });
const runs = { first: [], again: [] };
for (let i = 0; i < Number(times); i++) {
  const context = await browser.newContext({ viewport: { width: Number(WIDTH), height: Number(HEIGHT) }, reducedMotion: 'reduce' });
  runs.first.push(await visit(context));
  runs.again.push(await visit(context));
  await context.close();
}
console.log(JSON.stringify(runs));
await browser.close();

async function visit(context) {
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: Number(THROTTLE) });
  await page.addInitScript(() => {
    const look = () => {
      const picture = document.querySelector('.picture circle') && getComputedStyle(document.querySelector('.picture')).position === 'absolute';
      requestAnimationFrame(picture ? () => performance.mark('picture-drawn') : look); // what is there in one frame is painted before the next
    };
    look();
  });
  await page.goto(address, { waitUntil: 'commit' });
  await page.waitForSelector('#map[aria-busy=false]', { state: 'attached', timeout: 60_000 });
  const seen = await page.evaluate(() => {
    const at = (type, name) => Math.round(performance.getEntriesByType(type).find((entry) => entry.name === name)?.startTime ?? NaN);
    const loaded = [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource')];
    return {
      paint: at('paint', 'first-contentful-paint'), picture: at('mark', 'picture-drawn'), map: at('mark', 'map-drawn'), idle: at('mark', 'map-idle'),
      requests: loaded.filter(({ transferSize }) => transferSize > 0).length, bytes: loaded.reduce((sum, { transferSize }) => sum + transferSize, 0),
    };
  });
  await page.close();
  return seen;
}
