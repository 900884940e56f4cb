package catalog

import (
	"cmp"
	"container/heap"
	"context"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// plans are the entries of a shelf with scheduled transitions, as the log has them.
type plans struct {
	records map[uint32]*record // by entry number
	due     dueHeap            // every moment
	public  dueHeap            // those at which what is published changes
}

func (p *plans) set(r *record) {
	delete(p.records, r.number)
	if len(r.meta.Schedule) == 0 {
		return
	}
	if p.records == nil {
		p.records = map[uint32]*record{}
	}
	p.records[r.number] = r
	if r.trashed() {
		return
	}
	for _, s := range r.meta.Schedule {
		heap.Push(&p.due, dueAt{at: s.At, number: r.number})
	}
	for _, at := range publicMoments(&r.meta) {
		heap.Push(&p.public, dueAt{at: at, number: r.number})
	}
}

// publicMoments gives those moments of an entry's plans at which what is published changes. At the others the public must
// see nothing, not even an answer that lives less long.
func publicMoments(meta *core.Meta) (moments []time.Time) {
	live := meta.Live != nil
	for _, s := range meta.Schedule {
		if s.Effect == core.EffectPublish || s.Effect == core.EffectUnpublish && live {
			moments = append(moments, s.At)
		}
		if s.Effect != core.EffectNone {
			live = s.Effect == core.EffectPublish
		}
	}
	return moments
}

// next gives the next moment at which an entry changes by itself, or the zero time.
func (p *plans) next() time.Time {
	return p.due.next(p.planned)
}

// nextPublic gives the next moment after a time at which what is published changes by itself, or the zero time.
func (p *plans) nextPublic(after time.Time) time.Time {
	return p.public.next(func(d dueAt) bool {
		return d.at.After(after) && p.planned(d) && slices.ContainsFunc(publicMoments(&p.records[d.number].meta), d.at.Equal)
	})
}

// planned reports whether a moment still stands in its entry's plans.
func (p *plans) planned(d dueAt) bool {
	r, ok := p.records[d.number]
	if !ok || r.trashed() {
		return false
	}
	for _, s := range r.meta.Schedule {
		if s.At.Equal(d.at) {
			return true
		}
	}
	return false
}

// reach takes out the moments up to now, and gives the records that change at them.
func (p *plans) reach(now time.Time) []*record {
	var reached []*record
	for {
		next := p.next()
		if next.IsZero() || next.After(now) {
			return reached
		}
		d := heap.Pop(&p.due).(dueAt)
		reached = append(reached, p.records[d.number])
	}
}

// dueAt is a moment at which an entry changes by itself.
type dueAt struct {
	at     time.Time
	number uint32
}

type dueHeap []dueAt

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueAt)) }
func (h *dueHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// next gives the first moment that stands, and forgets those before it.
func (h *dueHeap) next(stands func(dueAt) bool) time.Time {
	for len(*h) > 0 && !stands((*h)[0]) {
		heap.Pop(h)
	}
	if len(*h) == 0 {
		return time.Time{}
	}
	return (*h)[0].at
}

// carryOut makes everything stand as it does at a time, and gives the entries that changed and their shelves.
func (m *memory) carryOut(now time.Time) (numbers []uint32, shelves []*shelf) {
	if now.After(m.asOf) {
		m.asOf = now
	}
	for _, s := range m.shelves {
		reached := s.plans.reach(m.asOf)
		for _, r := range reached {
			m.settle(s, r.at(m.asOf), func(int64) []byte { return nil }) // a plan makes no new document
			numbers = append(numbers, r.number)
		}
		if len(reached) > 0 {
			shelves = append(shelves, s)
		}
	}
	return numbers, shelves
}

// next gives the next moment at which readers of a state see an entry of the types (of any, when none is named) change by
// itself.
func (m *memory) next(state core.State, types ...core.TypeName) time.Time {
	var next time.Time
	for _, s := range m.shelves {
		if len(types) > 0 && !contains(types, s.name) {
			continue
		}
		due := s.due
		if state == core.StatePublished {
			due = s.publicDue
		}
		if !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	return next
}

// Planned calls f with every entry outside the trash that has a Schedule, as the log has it.
func (c *Catalog) Planned(ctx context.Context, f func(*core.Entry) error) error {
	for _, e := range c.planned() {
		whole, err := c.Entry(ctx, e.Type, e.ID)
		if core.CodeOf(err) == core.CodeNotFound {
			continue // purged meanwhile
		}
		if err != nil {
			return err
		}
		if len(whole.Schedule) == 0 || whole.Trashed() {
			continue
		}
		if err := f(whole); err != nil {
			return err
		}
	}
	return nil
}

// planned names the entries with plans, the one whose turn comes first before the others.
func (c *Catalog) planned() (refs []core.Reference) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var records []*record
	for _, s := range c.m.shelves {
		for _, r := range s.plans.records {
			records = append(records, r)
		}
	}
	slices.SortFunc(records, func(a, b *record) int {
		return cmp.Or(a.meta.Schedule[0].At.Compare(b.meta.Schedule[0].At), cmp.Compare(a.id, b.id))
	})
	for _, r := range records {
		refs = append(refs, core.Reference{Type: r.typ, ID: r.id})
	}
	return refs
}

func contains[T comparable](list []T, want T) bool {
	for _, have := range list {
		if have == want {
			return true
		}
	}
	return false
}
