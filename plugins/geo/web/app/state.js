// What an address of the page asks for, read and written as state.go does.

const levels = ['departement', 'region'];

/** read gives the state of the query string of an address. */
export function read(search) {
  const params = new URLSearchParams(search);
  const view = params.get('view') ?? '';
  const state = {
    layer: params.get('layer') ?? '',
    q: (params.get('q') ?? '').trim(),
    within: params.get('within') ?? '',
    view: levels.includes(view) ? view : '',
    area: params.get('area') === '1',
    overlays: params.getAll('overlay').filter(Boolean),
    after: params.get('after') ?? '',
    filters: new Map(),
    fixed: [],
  };
  for (const [name, value] of params) readFilter(state, name, value);
  for (const values of state.filters.values()) values.sort();
  return state;
}

function readFilter(state, name, value) {
  const inner = name.match(/^filter\[(.*)\]$/s)?.[1];
  if (inner === undefined || value === '') return;
  const [field, op = ''] = inner.split(/\]\[(.*)/s);
  if (op === '' || op === 'eq') add(state.filters, field, [value]);
  else if (op === 'in') add(state.filters, field, value.split(',').filter(Boolean));
  else state.fixed.push([name, value]);
}

function add(filters, field, values) {
  filters.set(field, [...(filters.get(field) ?? []), ...values]);
}

/** write gives the query string of a state, with its question mark, or nothing. */
export function write(state, config) {
  const params = new URLSearchParams(state.fixed);
  for (const [field, values] of state.filters) for (const value of values) params.append(`filter[${field}]`, value);
  for (const name of ['layer', 'q', 'within', 'view', 'after']) if (state[name]) params.set(name, state[name]);
  if (state.area) params.set('area', '1');
  for (const overlay of state.overlays) params.append('overlay', overlay);
  if (config.explicit) params.set('lang', config.lang);
  params.sort();
  return params.size ? `?${params}` : '';
}

/** asked gives the parameters that lists, tiles and counts of the layer take. */
export function asked(state, config) {
  const params = new URLSearchParams(config.layer.params);
  for (const [name, value] of state.fixed) params.append(name, value);
  if (state.q) params.set('q', state.q);
  if (state.within) params.set('within', state.within);
  const trees = [];
  for (const [field, values] of state.filters) {
    if (values.length === 1) params.set(`filter[${field}]`, values[0]);
    else if (values.some((value) => value.includes(','))) trees.push({ [field]: { in: values } });
    else if (values.length > 1) params.set(`filter[${field}][in]`, values.join(','));
  }
  if (trees.length) params.set('filter', JSON.stringify({ and: trees }));
  params.sort();
  return params;
}

/** without gives a state with one filter less. */
export function without(state, field, value) {
  const filters = new Map([...state.filters].map(([f, values]) => [f, values.filter((v) => f !== field || v !== value)]));
  return { ...state, filters, after: '' };
}
