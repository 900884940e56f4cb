package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// mostDifferences bounds what Verify tells.
const mostDifferences = 100

// verifyPrefix begins the names of the folders of catalogs to compare with.
const verifyPrefix = "verify-"

// Verify makes the catalog anew from the log in a temporary folder and compares: documents, meta, revisions, columns, unique
// values, references, former slugs, what is searched, and plugins' views. It gives a sentence for each difference, at most a
// hundred. Writes wait for moments only: it compares some hundred entries at a time, and at the end again those that changed
// meanwhile.
// CodeConflict when one is being rebuilt or verified already.
func (c *Catalog) Verify(ctx context.Context, log core.Log) (*core.Verified, error) {
	ctx, done, err := c.remake(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	dir, err := os.MkdirTemp(c.dir, verifyPrefix)
	if err != nil {
		return nil, core.Errorf(core.CodeUnavailable, "There is no room for a second catalog in the data directory. %w", err)
	}
	defer os.RemoveAll(dir)
	want, err := c.besideIn(ctx, dir, firstFile)
	if err != nil {
		return nil, core.Wrap("catalog.Verify", err)
	}
	defer want.discard()
	if err := c.approach(ctx, want, log, nil); err != nil {
		return nil, core.Wrap("catalog.Verify", err)
	}
	found, err := c.compare(ctx, want, log)
	return found, core.Wrap("catalog.Verify", err)
}

// comparison collects what differs between a catalog and one that was made from the log.
type comparison struct {
	have, want *Catalog
	log        core.Log
	found      []string
}

const verifyStep = 256 // entries compared while writes wait

func (c *Catalog) compare(ctx context.Context, want *Catalog, log core.Log) (*core.Verified, error) {
	d := &comparison{have: c, want: want, log: log, found: []string{}}
	begun := want.Position()
	for from, more := uint32(0), true; more; from += verifyStep {
		err := d.still(ctx, func() error {
			more = int(from)+verifyStep < len(want.m.places)
			return d.entries(ctx, from, min(from+verifyStep, uint32(len(want.m.places))))
		})
		if err != nil {
			return nil, err
		}
	}
	if err := d.views(ctx); err != nil {
		return nil, err
	}
	if err := c.text.drain(ctx); err != nil { // most of it before writes have to wait
		return nil, err
	}
	err := d.still(ctx, func() error { return d.rest(ctx, begun) })
	return &core.Verified{Position: want.m.position, Differences: d.found}, err
}

// still calls f while both catalogs stand at one position and nothing moves.
func (d *comparison) still(ctx context.Context, f func() error) error {
	d.have.applying.Lock()
	defer d.have.applying.Unlock()
	if err := d.have.level(ctx, d.want, d.log); err != nil {
		return err
	}
	d.have.mu.RLock()
	defer d.have.mu.RUnlock()
	return f()
}

func (d *comparison) differ(format string, args ...any) {
	if len(d.found) < mostDifferences {
		d.found = append(d.found, fmt.Sprintf(format, args...))
	}
}

// rest compares what is not of one entry, and the entries that have changed after a position.
func (d *comparison) rest(ctx context.Context, after core.Position) error {
	if d.have.m.position != d.want.m.position || d.have.m.sum != d.want.m.sum {
		d.differ("the catalog stands at %d (%s), the log at %d (%s)", d.have.m.position, d.have.m.sum, d.want.m.position, d.want.m.sum)
	}
	if err := d.changed(ctx, after); err != nil {
		return err
	}
	for _, s := range d.have.m.shelves {
		if other, ok := d.want.m.byName[s.name]; s.entries > 0 && (!ok || other.entries != s.entries) {
			d.differ("%s: the catalog has %d entries", s.name, s.entries)
		}
	}
	return d.texts(ctx)
}

func (d *comparison) changed(ctx context.Context, after core.Position) error {
	rows, err := d.want.docs.db.Read.QueryContext(ctx, `select number from entries where position > ?`, int64(after))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var number uint32
		if err := rows.Scan(&number); err != nil {
			return err
		}
		if err := d.entry(ctx, number); err != nil {
			return err
		}
	}
	return rows.Err()
}

// entries compares the entries that the catalog from the log knows by some numbers.
func (d *comparison) entries(ctx context.Context, from, to uint32) error {
	for number := from; number < to; number++ {
		if err := d.entry(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

func (d *comparison) entry(ctx context.Context, number uint32) error {
	want := d.want.m.shelfOf(number)
	if want == nil {
		return nil
	}
	id := core.EntryID(d.want.m.ids.values[number])
	have, at, ok := d.have.m.find(want.name, id)
	if !ok {
		d.differ("%s %s is not in the catalog", want.name, id)
		return nil
	}
	if err := d.documents(ctx, want.name, id, at, number); err != nil {
		return err
	}
	if err := d.revisions(ctx, id, at, number); err != nil {
		return err
	}
	d.slots(have, want, at, number)
	if !slices.Equal(have.slugs[at], want.slugs[number]) {
		d.differ("%s %s: the former slugs are %q and should be %q", want.name, id, have.slugs[at], want.slugs[number])
	}
	return nil
}

func (d *comparison) documents(ctx context.Context, name core.TypeName, id core.EntryID, have, want uint32) error {
	h, _, err := d.have.docs.entry(ctx, name, id, have)
	if err != nil {
		d.differ("%s %s cannot be read: %v", name, id, err)
		return nil
	}
	w, _, err := d.want.docs.entry(ctx, name, id, want)
	if err != nil {
		return err
	}
	if !bytes.Equal(h.Draft, w.Draft) || !bytes.Equal(h.Published, w.Published) {
		d.differ("%s %s: a document differs", name, id)
	}
	if hm, wm := metaText(h.Meta), metaText(w.Meta); hm != wm {
		d.differ("%s %s: the meta is %s and should be %s", name, id, hm, wm)
	}
	return nil
}

func metaText(m core.Meta) string {
	text, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (d *comparison) revisions(ctx context.Context, id core.EntryID, have, want uint32) error {
	const all = 1<<63 - 1
	h, err := d.have.docs.revisions(ctx, have, all, -1, d.have.m.position)
	if err != nil {
		return err
	}
	w, err := d.want.docs.revisions(ctx, want, all, -1, d.want.m.position)
	if err != nil {
		return err
	}
	if !slices.Equal(h, w) {
		d.differ("%s: the list of revisions differs", id)
	}
	return nil
}

// slots compares what the columns hold of an entry.
func (d *comparison) slots(have, want *shelf, at, number uint32) {
	h, w := d.have.m.places[at], d.want.m.places[number]
	for _, pair := range [...][2]uint32{{h.latest, w.latest}, {h.public, w.public}} {
		if (pair[0] == noSlot) != (pair[1] == noSlot) {
			d.differ("%s %s stands in other states than it should", want.name, d.want.m.ids.values[number])
			continue
		}
		if pair[0] != noSlot {
			d.columns(have, want, pair[0], pair[1])
		}
	}
}

func (d *comparison) columns(have, want *shelf, h, w uint32) {
	id := d.want.m.ids.values[want.number(w)]
	for i := range have.visible {
		if have.visible[i].has(h) != want.visible[i].has(w) {
			d.differ("%s %s is seen where it should not be, or not where it should", want.name, id)
		}
	}
	if len(have.table.columns) != len(want.table.columns) {
		d.differ("%s: the columns are those of another version of the type", want.name)
		return
	}
	for i, c := range want.table.columns {
		if got, should := have.table.columns[i].shown(h), c.shown(w); !slices.Equal(got, should) {
			d.differ("%s %s: the column %s holds %v and should hold %v", want.name, id, c.path, got, should)
		}
		if !have.table.columns[i].posted(h) {
			d.differ("%s %s is not found by its value of %s", want.name, id, c.path)
		}
	}
}

// shown gives the values in a slot, readable and comparable between catalogs.
func (c *column) shown(slot uint32) []any {
	if c.points != nil {
		return c.points.shown(slot)
	}
	var values []any
	for _, key := range c.cells.append(nil, slot) {
		values = append(values, c.value(key))
	}
	return values
}

func (p *points) shown(slot uint32) []any {
	lon, lat, ok := p.at(slot)
	if !ok {
		return nil
	}
	return []any{lon, lat, p.boxes[slot]}
}

// posted reports whether the postings lead from every value of a slot to the slot.
func (c *column) posted(slot uint32) bool {
	if c.postings == nil {
		return true
	}
	for _, key := range c.cells.append(nil, slot) {
		found := false
		c.postings.each(uint32(key), func(at uint32) bool { found = at == slot; return !found })
		if !found {
			return false
		}
	}
	return true
}

// texts compares which entries the text indexes hold.
func (d *comparison) texts(ctx context.Context) error {
	for _, x := range [...]*texts{d.have.text, d.want.text} { // they follow under the read lock too, and need no other
		if err := x.drain(ctx); err != nil {
			return err
		}
	}
	havePublic, haveDrafts, err := d.have.searched(ctx)
	if err != nil {
		return err
	}
	wantPublic, wantDrafts, err := d.want.searched(ctx)
	if err != nil {
		return err
	}
	if !slices.Equal(havePublic, wantPublic) || !slices.Equal(haveDrafts, wantDrafts) {
		d.differ("the full-text index holds %d published and %d other documents and should hold %d and %d, or others than these",
			len(havePublic), len(haveDrafts), len(wantPublic), len(wantDrafts))
	}
	return nil
}

// searched gives the identifiers of what the text indexes hold.
func (c *Catalog) searched(ctx context.Context) (published, drafts []string, err error) {
	p, d, err := c.text.index.Rows(ctx)
	return c.m.named(p), c.m.named(d), err
}

func (m *memory) named(rows []uint64) []string {
	ids := make([]string, 0, len(rows))
	for _, row := range rows {
		if row < uint64(len(m.ids.values)) {
			ids = append(ids, m.ids.values[row])
		}
	}
	slices.Sort(ids)
	return ids
}
