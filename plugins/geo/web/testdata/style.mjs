// Holds MapLibre styles against the style specification, with the validator of those who keep it: reads {name: style} and
// writes {name: [what is wrong]}.
import { text } from 'node:stream/consumers';
import { validateStyleMin } from '@maplibre/maplibre-gl-style-spec';

const styles = JSON.parse(await text(process.stdin));
const wrong = Object.entries(styles).map(([name, style]) => [name, validateStyleMin(style).map(({ message }) => message)]);
console.log(JSON.stringify(Object.fromEntries(wrong)));
