package catalog

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/catalog/text"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// texts keeps the full-text index up with the columns, a little behind them. The index belongs to one file of
// documents, whose entry numbers it knows its rows by.
type texts struct {
	index *text.Index
	dir   string

	mu      sync.Mutex
	waiting map[uint32]bool          // entries whose texts may have changed
	unbound map[uint32]bool          // entries whose type is not known yet: how they are searched is not known either
	types   map[core.TypeName]string // of which all entries wait: the version that they will be searched as
	wake    chan struct{}
	asked   uint64        // counts what was enqueued
	covered uint64        // as far as asked is in the index
	settled chan struct{} // closed and replaced when covered has moved, or failed has changed
	failed  error         // why the index does not move

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// textDir is where the index that belongs to a file of documents lies.
func textDir(dir, generation string) string {
	return filepath.Join(dir, "text-"+strings.ToLower(generation))
}

// removeTexts throws away the indexes that belong to other files of documents.
func removeTexts(dir, generation string) {
	others, _ := filepath.Glob(filepath.Join(dir, "text-*"))
	for _, other := range others {
		if other != textDir(dir, generation) {
			os.RemoveAll(other) // what cannot be removed only takes room on the disk
		}
	}
}

func openTexts(dir, generation string) (*texts, error) {
	index, err := text.Open(textDir(dir, generation), text.Options{})
	if err != nil {
		return nil, err
	}
	return &texts{index: index, dir: textDir(dir, generation), waiting: map[uint32]bool{}, unbound: map[uint32]bool{}, types: map[core.TypeName]string{},
		wake: make(chan struct{}, 1), settled: make(chan struct{})}, nil
}

// start begins to follow a catalog.
func (x *texts) start(c *Catalog) {
	ctx, stop := context.WithCancel(context.Background())
	x.stop = stop
	x.stopped.Go(func() { x.follow(ctx, c) })
}

// halt ends following.
func (x *texts) halt() {
	x.stop()
	x.stopped.Wait()
}

func (x *texts) close() error {
	x.halt()
	return x.index.Close()
}

// enqueue notes entries whose texts may have changed. The caller holds the write lock, so that a reader who knows the
// memory's position knows everything noted up to it.
func (x *texts) enqueue(numbers []uint32) {
	x.mu.Lock()
	for _, n := range numbers {
		x.waiting[n] = true
	}
	x.asked++
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// enqueueShelf notes all entries of a type, because the type changed.
func (x *texts) enqueueShelf(m *memory, s *shelf) {
	numbers := make([]uint32, 0, s.entries)
	for slot := range uint32(s.slots()) {
		if s.rows[slot] != 0 {
			numbers = append(numbers, s.number(slot))
		}
	}
	x.mu.Lock()
	x.types[s.name] = s.hash
	x.mu.Unlock()
	x.enqueue(numbers)
}

// catchUp notes what changed after the index's position: a crash may have left it behind.
func (x *texts) catchUp(ctx context.Context, c *Catalog) error {
	var numbers []uint32
	if at := x.index.Position(); at < c.m.position {
		rows, err := c.docs.db.Read.QueryContext(ctx, `select number from entries where position > ?`, int64(at))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n uint32
			if err := rows.Scan(&n); err != nil {
				return err
			}
			numbers = append(numbers, n)
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	for _, s := range c.m.shelves {
		for n := range s.plans.records {
			numbers = append(numbers, n) // what has become due is in no commit
		}
		if s.searched != s.hash && s.hash != "" {
			x.enqueueShelf(c.m, s)
		}
	}
	x.enqueue(numbers)
	return nil
}

// follow brings the index up with the columns until it is told to stop.
func (x *texts) follow(ctx context.Context, c *Catalog) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-x.wake:
		}
		for ctx.Err() == nil {
			if err := x.indexSome(ctx, c); err != nil {
				x.fail(err)
				if !pause(ctx) {
					return
				}
				continue
			}
			if x.idle() {
				break
			}
		}
	}
}

// pause waits a second before another try, and reports whether there may be one.
func pause(ctx context.Context) bool {
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (x *texts) idle() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.waiting) == 0
}

const textStep = 500 // entries indexed at once

// indexSome indexes the entries that wait, or the first of them.
func (x *texts) indexSome(ctx context.Context, c *Catalog) error {
	c.mu.RLock()
	numbers, asked, all := x.take(textStep)
	at := c.m.position
	put, gone, unbound, err := c.textsOf(ctx, numbers)
	if !x.putOff(unbound) || !all {
		at = min(at, x.index.Position()) // the rest is not covered yet: after a crash it must be found again
	}
	c.mu.RUnlock()
	if err == nil {
		err = x.index.Apply(ctx, at, put, gone)
	}
	if err == nil && all {
		err = x.markSearched(ctx, c)
	}
	if err != nil {
		x.enqueue(numbers)
		return err
	}
	if all {
		x.settle(asked)
	}
	return nil
}

// take gives at most n waiting entries, and whether they are all that were asked for so far.
func (x *texts) take(n int) (numbers []uint32, asked uint64, all bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for number := range x.waiting {
		if len(numbers) == n {
			return numbers, 0, false
		}
		numbers = append(numbers, number)
		delete(x.waiting, number)
	}
	return numbers, x.asked, true
}

// putOff keeps entries until their types are known, and reports whether none waits for that.
func (x *texts) putOff(numbers []uint32) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, n := range numbers {
		x.unbound[n] = true
	}
	return len(x.unbound) == 0
}

// bound takes up again what waited for types to become known.
func (x *texts) bound() {
	x.mu.Lock()
	numbers := make([]uint32, 0, len(x.unbound))
	for n := range x.unbound {
		numbers = append(numbers, n)
	}
	clear(x.unbound)
	x.mu.Unlock()
	if len(numbers) > 0 {
		x.enqueue(numbers)
	}
}

// settle tells those who wait how far the index has come.
func (x *texts) settle(asked uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.covered, x.failed = asked, nil
	x.announce()
}

// fail tells those who wait that the index does not move.
func (x *texts) fail(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.failed = err
	x.announce()
}

func (x *texts) announce() {
	close(x.settled)
	x.settled = make(chan struct{})
}

// markSearched records which versions of the types the index is of, so that a change of one is not forgotten in a crash.
func (x *texts) markSearched(ctx context.Context, c *Catalog) error {
	x.mu.Lock()
	done := x.types
	x.types = map[core.TypeName]string{}
	x.mu.Unlock()
	if len(done) == 0 {
		return nil
	}
	if err := x.index.Flush(ctx); err != nil { // or the mark could survive a crash that what it marks does not
		return err
	}
	for name, hash := range done {
		if _, err := c.docs.db.Write.ExecContext(ctx, `update types set searched = ? where name = ?`, hash, string(name)); err != nil {
			return err
		}
	}
	return nil
}

// textsOf gives what is searched of entries: a published document and a latest one that differs; and which entries it
// cannot tell of yet. The caller holds the read lock.
func (c *Catalog) textsOf(ctx context.Context, numbers []uint32) (put []text.Doc, gone []uint64, unbound []uint32, err error) {
	for _, number := range numbers {
		gone = append(gone, uint64(number))
		s := c.m.shelfOf(number)
		if s == nil {
			continue
		}
		if s.table.layout.typ == nil {
			unbound = append(unbound, number)
			continue
		}
		p := c.m.places[number]
		published := p.public != noSlot && s.visible[seenPublished].has(p.public)
		if published {
			put, err = c.appendText(ctx, put, s, p.public, true)
		}
		if err == nil && p.latest != noSlot && (!published || p.latest != p.public) {
			put, err = c.appendText(ctx, put, s, p.latest, false)
		}
		if err != nil {
			return nil, nil, nil, err
		}
	}
	return put, gone, unbound, nil
}

func (c *Catalog) appendText(ctx context.Context, put []text.Doc, s *shelf, slot uint32, published bool) ([]text.Doc, error) {
	doc, err := c.docs.read(ctx, s.rows[slot])
	if err != nil {
		return nil, err
	}
	own, fields := s.table.layout.texts(doc)
	if len(fields) == 0 {
		return put, nil
	}
	return append(put, text.Doc{Row: uint64(s.number(slot)), Type: s.name, Published: published, Locale: own, Fields: fields}), nil
}

// texts gives the searched texts of a document, in every language that it has.
func (l *layout) texts(doc core.Doc) (own core.Locale, fields []text.FieldText) {
	if !l.searched() {
		return "", nil
	}
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return "", nil
	}
	own = l.typ.OwnLocale(m)
	fields = l.appendTexts(nil, m, own)
	translations, _ := m[core.DocTranslations].(map[string]any)
	for locale, overlay := range translations {
		if overlay, ok := overlay.(map[string]any); ok {
			fields = l.appendTexts(fields, overlay, core.Locale(locale))
		}
	}
	return own, fields
}

func (l *layout) searched() bool {
	return slices.ContainsFunc(l.typ.Fields, func(f core.Field) bool { return f.Search > 0 && !f.Secret })
}

func (l *layout) appendTexts(fields []text.FieldText, m map[string]any, locale core.Locale) []text.FieldText {
	for i := range l.typ.Fields {
		f := &l.typ.Fields[i]
		if f.Search <= 0 || f.Secret {
			continue
		}
		for _, v := range jsondoc.Values(m, f.Path) {
			if s := plainText(v); s != "" {
				fields = append(fields, text.FieldText{Path: f.Path, Weight: f.Search, Text: s, Private: l.private(f.Path), Locale: locale})
			}
		}
	}
	return fields
}

// private reports whether a path, or an object above it, is private.
func (l *layout) private(path string) bool {
	for {
		if f, ok := l.typ.Field(path); ok && f.Private {
			return true
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return false
		}
		path = path[:dot]
	}
}

// plainText gives a string as it is, and the words of rich text, block after block.
func plainText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	var b strings.Builder
	writePlain(&b, v)
	return strings.TrimSpace(b.String())
}

func writePlain(b *strings.Builder, v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			writePlain(b, item)
		}
	case map[string]any:
		if s, ok := v["text"].(string); ok {
			b.WriteString(s)
			return
		}
		writePlain(b, v["content"])
		b.WriteByte('\n')
	}
}

// match is an entry that the index found, for the queries on some types.
type match = text.Match

// matches asks the index, once for all queries on the same documents, so that one rank holds for all types. It waits a little for the index to
// cover what the caller can know of.
func (x *texts) matches(ctx context.Context, queries []core.Query, rows map[core.TypeName]func(uint64) bool) ([]match, error) {
	asked := map[string]*text.Query{}
	var order []string
	for i := range queries {
		q := &queries[i]
		if q.Text == "" {
			continue
		}
		want := textQuery(*q)
		want.Looks[0].Rows = rows[q.Type]
		key := textKey(want)
		if have, ok := asked[key]; ok {
			have.Looks = append(have.Looks, want.Looks...)
			continue
		}
		asked[key] = &want
		order = append(order, key)
	}
	if len(order) == 0 {
		return nil, nil
	}
	if err := x.wait(ctx); err != nil {
		return nil, err
	}
	var all []match
	for _, key := range order {
		found, err := x.index.Search(ctx, *asked[key])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// lookMatching calls f under the read lock with what the index has for the queries.
func (c *Catalog) lookMatching(ctx context.Context, queries []core.Query, f func(m *memory, found []match) error) error {
	for {
		c.freshen()
		c.mu.RLock()
		x := c.text
		c.mu.RUnlock()
		rows, err := c.rowsOf(queries)
		if err != nil {
			return err
		}
		found, err := x.matches(ctx, queries, rows)
		again := false
		looked := c.look(func(m *memory) error {
			if again = c.text != x; again || err != nil {
				return err
			}
			return f(m, found)
		})
		if !again {
			return looked
		}
	}
}

// rowsOf finds, for the queries of who may see some entries only, which those are.
func (c *Catalog) rowsOf(queries []core.Query) (map[core.TypeName]func(uint64) bool, error) {
	rows := map[core.TypeName]func(uint64) bool{}
	err := c.look(func(m *memory) error {
		for i := range queries {
			q := &queries[i]
			s, ok := m.byName[q.Type]
			if q.Text == "" || q.Visible == nil || !ok {
				continue
			}
			found, err := (reading{m: m, state: q.State, locale: q.Locale}).where(s, q.Visible)
			if err != nil {
				return err
			}
			numbers := bitset{}
			found.each(func(slot uint32) { numbers.set(s.number(slot)) })
			rows[q.Type] = func(row uint64) bool { return row <= math.MaxUint32 && numbers.has(uint32(row)) }
		}
		return nil
	})
	return rows, err
}

func textQuery(q core.Query) text.Query {
	return text.Query{Text: q.Text, Locale: q.Locale, Drafts: q.State != core.StatePublished, Looks: []text.Look{{Type: q.Type, Private: q.Private, Fields: q.Searched}}}
}

// textKey is equal for queries that one search answers.
func textKey(q text.Query) string {
	key := q.Text + "\x00" + string(q.Locale)
	if q.Drafts {
		key += "\x00drafts"
	}
	return key
}

// textPatience is how long a search waits for the index. After it, it takes what is there.
const textPatience = 2 * time.Second

func (x *texts) wait(ctx context.Context) error {
	_, err := x.waitFor(ctx, textPatience)
	return err
}

// waitFor waits until what was asked for when it was called is in the index, but not for ever, and not for an index
// that does not move.
func (x *texts) waitFor(ctx context.Context, patience time.Duration) (covered bool, err error) {
	x.mu.Lock()
	want := x.asked
	x.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		x.mu.Lock()
		settled, covered, failed := x.settled, x.covered >= want, x.failed
		x.mu.Unlock()
		if covered || failed != nil {
			return covered, nil
		}
		select {
		case <-settled:
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// scores gives by slot how well it matches.
func (m *memory) scores(s *shelf, state core.State, matches []match) []float64 {
	scores := make([]float64, s.slots())
	for _, match := range matches {
		number := uint32(match.Row)
		if m.shelfOf(number) != s {
			continue
		}
		if slot, ok := m.slot(s, number, state); ok {
			scores[slot] = match.Score
		}
	}
	return scores
}

// highlights shows where the words stand in an entry.
func (x *texts) highlights(a *answer, v *core.View) map[string][]string {
	_, fields := a.shelf.table.layout.texts(v.Doc)
	return x.index.Highlight(textQuery(a.q), fields)
}
