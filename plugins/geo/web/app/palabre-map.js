// <palabre-map src="https://site.example.org" layer="fiche"></palabre-map>: a map of Palabre on any page.
//
//   src       the address of the Palabre server (required)
//   layer     the layer to show; the first without it
//   q, within, view, lang   as in the address of the map page
//   filter    filters as in that address: filter="filter[practice]=BP&filter[year][gte]=2018"
//   position  what to show at first: zoom/latitude/longitude
//   height    the height of the frame, in pixels; without it the frame is as high as what is in it
//   title     what the frame is called for those who do not see it
//
// What stands between the tags is shown until the script runs: put a link to the map there.

{
  const texts = { fr: 'Carte', en: 'Map' };

  class PalabreMap extends HTMLElement {
    static observedAttributes = ['src', 'layer', 'q', 'within', 'view', 'lang', 'filter', 'position', 'height', 'title'];

    #frame;
    #origin;
    #heard = (event) => this.#hear(event);

    connectedCallback() {
      addEventListener('message', this.#heard);
      this.#draw();
    }

    disconnectedCallback() {
      removeEventListener('message', this.#heard);
      this.#frame?.remove();
      this.#frame = undefined;
    }

    attributeChangedCallback() {
      if (this.isConnected) this.#draw();
    }

    #draw() {
      const address = this.#address();
      if (!address) return;
      if (!this.#frame) {
        this.#frame = document.createElement('iframe');
        Object.assign(this.#frame, { loading: 'lazy', referrerPolicy: 'strict-origin-when-cross-origin', allow: 'fullscreen' });
        Object.assign(this.#frame.style, { display: 'block', inlineSize: '100%', border: '0' });
        this.replaceChildren(this.#frame);
      }
      this.style.display ||= 'block';
      this.#origin = address.origin;
      this.#frame.title = this.getAttribute('title') || texts[this.#lang()];
      this.#frame.style.blockSize = `${Number(this.getAttribute('height')) || 640}px`;
      if (this.#frame.src !== address.href) this.#frame.src = address.href;
    }

    #lang() {
      const lang = this.getAttribute('lang') || this.closest('[lang]')?.lang || navigator.language;
      return lang.toLowerCase().startsWith('fr') ? 'fr' : 'en';
    }

    /** The address of the frame; nothing when src is none, which the console then says. */
    #address() {
      const src = this.getAttribute('src');
      if (!src || !URL.canParse(src, document.baseURI)) {
        console.error('palabre-map: src must be the address of the Palabre server, as in src="https://site.example.org".');
        return undefined;
      }
      const address = new URL('/map/embed', new URL(src, document.baseURI));
      address.search = this.getAttribute('filter') ?? '';
      for (const name of ['layer', 'q', 'within', 'view']) if (this.hasAttribute(name)) address.searchParams.set(name, this.getAttribute(name));
      address.searchParams.set('lang', this.#lang());
      address.hash = this.getAttribute('position') ?? '';
      return address;
    }

    /** The map says how high it is; only the frame's own page is believed, and only within reason. */
    #hear({ source, origin, data }) {
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== this.#origin || data?.type !== 'palabre-map' || this.hasAttribute('height')) return;
      const height = Number(data.height);
      if (height >= 200 && height <= 10000) this.#frame.style.blockSize = `${height}px`;
    }
  }

  if (!customElements.get('palabre-map')) customElements.define('palabre-map', PalabreMap);
}
