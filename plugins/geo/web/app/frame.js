// Telling the page around the frame how high this one is: palabre-map.js listens.

/** announceHeight says it now and whenever it changes. The height is no secret, so anyone may hear it. */
export function announceHeight() {
  if (parent === window) return;
  const tell = () => parent.postMessage({ type: 'palabre-map', height: Math.ceil(document.documentElement.getBoundingClientRect().height) }, '*');
  new ResizeObserver(tell).observe(document.documentElement);
  tell();
}
