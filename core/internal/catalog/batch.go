package catalog

import (
	"runtime"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// batch is what a run of commits changes, worked out beside the memory before anybody sees it.
type batch struct {
	m         *memory
	position  core.Position
	sum       string
	records   map[uint32]*record // the entries' states after the batch
	order     []uint32           // their numbers, as they came
	docs      map[int64]core.Doc // new documents
	newRows   []int64
	nextRow   int64
	extracted map[int64][]byte // by new row
	dead      []int64          // rows that are no longer used
	revisions []revision
	keys      []usedKey
	touched   map[core.TypeName]bool
	views     []*viewBatch // of the views that move with the catalog
	made      []madeNow    // of what views are made from here on

	mu     sync.Mutex // guards fresh, which extraction adds to
	fresh  map[core.EntryID]uint32
	ghosts []*record // what is referred to and was never heard of
}

type revision struct {
	entry uint32
	core.Revision
}

type usedKey struct {
	key      core.Key
	position core.Position
	at       time.Time
}

func newBatch(m *memory, nextRow int64) *batch {
	return &batch{m: m, records: map[uint32]*record{}, docs: map[int64]core.Doc{}, nextRow: nextRow,
		extracted: map[int64][]byte{}, touched: map[core.TypeName]bool{}, fresh: map[core.EntryID]uint32{}}
}

// number gives the number of an entry, a new one when it was never heard of.
func (b *batch) number(id core.EntryID) uint32 {
	if number, ok := b.m.ids.find(string(id)); ok {
		return number
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	number, ok := b.fresh[id]
	if !ok {
		number = uint32(len(b.m.places) + len(b.fresh))
		b.fresh[id] = number
		b.ghosts = append(b.ghosts, &record{number: number, id: id})
	}
	return number
}

// fold takes in the next commit.
func (b *batch) fold(c *core.Commit) {
	b.position, b.sum = c.Position, c.Sum
	for i := range c.Changes {
		b.change(c, &c.Changes[i])
	}
	if c.Key != nil {
		b.keys = append(b.keys, usedKey{key: *c.Key, position: c.Position, at: c.At})
	}
}

// change does for rows what core.Change.Fold does for documents.
func (b *batch) change(c *core.Commit, ch *core.Change) {
	b.touched[ch.Type] = true
	if ch.Op == core.OpRedact {
		return
	}
	old := b.record(ch.Entry)
	next := &record{number: old.number, id: ch.Entry, position: c.Position}
	if ch.Op != core.OpPurge {
		next.typ, next.meta = ch.Type, ch.Meta
		next.draft, next.public = b.row(old.draft, ch.Draft), b.row(old.public, ch.Published)
		b.revisions = append(b.revisions, revision{entry: old.number, Revision: core.Revision{
			Rev: ch.Meta.Rev, Position: c.Position, At: c.At, By: c.By, Action: ch.Action, Status: ch.Meta.Status,
			Published: ch.Meta.Live != nil && ch.Meta.Live.Rev == ch.Meta.Rev, Comment: ch.Comment,
		}})
	} else {
		b.forgetRevisions(old.number)
	}
	b.bury(old, next)
	b.records[old.number] = next
}

func (b *batch) forgetRevisions(entry uint32) {
	kept := b.revisions[:0]
	for _, r := range b.revisions {
		if r.entry != entry {
			kept = append(kept, r)
		}
	}
	b.revisions = kept
}

// record gives the state of an entry before a change.
func (b *batch) record(id core.EntryID) *record {
	number := b.number(id)
	if r, ok := b.records[number]; ok {
		return r
	}
	b.order = append(b.order, number)
	r := &record{number: number, id: id}
	if int(number) < len(b.m.places) {
		r.draft, r.public = b.m.raw(number)
	}
	return r
}

// row gives the row of a document after a change.
func (b *batch) row(old int64, doc core.Doc) int64 {
	switch {
	case doc == nil:
		return old
	case core.IsNull(doc):
		return 0
	}
	row := b.nextRow
	b.nextRow++
	b.docs[row] = doc
	b.newRows = append(b.newRows, row)
	return row
}

// bury notes the rows that a change leaves behind. One that is of this batch was never seen by anybody.
func (b *batch) bury(old, next *record) {
	for _, row := range [...]int64{old.draft, old.public} {
		if row == 0 || row == next.draft || row == next.public {
			continue
		}
		if _, ok := b.docs[row]; ok {
			delete(b.docs, row)
			continue
		}
		b.dead = append(b.dead, row)
	}
}

// extract works out the columns' values of the new documents, on all cores.
func (b *batch) extract() {
	type work struct {
		layout *layout
		row    int64
	}
	var todo []work
	for _, number := range b.order {
		r := b.records[number]
		for _, row := range [...]int64{r.draft, r.public} {
			if _, ok := b.docs[row]; ok {
				todo = append(todo, work{b.m.byName[r.typ].table.layout, row})
			}
		}
	}
	done := make([][]byte, len(todo))
	parallel(len(todo), func(i int) { done[i] = todo[i].layout.extract(b.docs[todo[i].row], b) })
	for i, w := range todo {
		b.extracted[w.row] = done[i]
	}
	b.haunt()
}

// haunt gives every entry that is only referred to a record, so that its number lasts.
func (b *batch) haunt() {
	for _, g := range b.ghosts {
		if _, ok := b.records[g.number]; !ok {
			b.records[g.number] = g
			b.order = append(b.order, g.number)
		}
	}
}

// parallel calls f with 0 to n-1, on all cores when there is much to do.
func parallel(n int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), n/8)
	if workers < 2 {
		for i := range n {
			f(i)
		}
		return
	}
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w; i < n; i += workers {
				f(i)
			}
		})
	}
	wait.Wait()
}
