package privacy

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// remains is the past of an entry that was purged.
type remains struct {
	typ   core.TypeName
	gone  time.Time
	rules []rest
}

// rest is what is left of the fields that are kept for one time.
type rest struct {
	keeping
	held bool
	last time.Time // of the dates to count from
}

// dueGone finds what was purged and stands in the log for longer than its type says.
func (s *Service) dueGone(ctx context.Context, now time.Time) ([]core.RetentionDue, error) {
	all, err := s.purged(ctx)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	err = s.eachCommit(ctx, s.Catalog.Position(), func(c *core.Commit) error {
		for i := range c.Changes {
			if r := all[c.Changes[i].Entry]; r != nil {
				if err := r.read(&c.Changes[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
	var list []core.RetentionDue
	for _, id := range slices.Sorted(maps.Keys(all)) {
		if d := all[id].due(id, now); d.Fields != nil {
			list = append(list, d)
		}
	}
	return list, err
}

// purged lists the entries of types with a time to keep that are not there any more.
func (s *Service) purged(ctx context.Context) (map[core.EntryID]*remains, error) {
	all := map[core.EntryID]*remains{}
	rules := map[core.TypeName][]keeping{}
	for _, t := range s.Types.Types() {
		rules[t.Name] = keepings(t)
	}
	return all, s.eachCommit(ctx, s.Catalog.Position(), func(c *core.Commit) error {
		for i := range c.Changes {
			switch ch := &c.Changes[i]; {
			case ch.Op == core.OpPut:
				delete(all, ch.Entry) // it has come again
			case ch.Op == core.OpPurge && len(rules[ch.Type]) > 0:
				all[ch.Entry] = remainsOf(ch.Type, c.At, rules[ch.Type])
			}
		}
		return nil
	})
}

func remainsOf(name core.TypeName, gone time.Time, rules []keeping) *remains {
	r := &remains{typ: name, gone: gone, rules: make([]rest, len(rules))}
	for i, k := range rules {
		r.rules[i].keeping = k
	}
	return r
}

// read looks at what a change has left.
func (r *remains) read(ch *core.Change) error {
	docs, err := changed(ch)
	for _, doc := range docs {
		for i := range r.rules {
			k := &r.rules[i]
			k.held = k.held || slices.ContainsFunc(k.fields, func(path string) bool { return holds(doc, path) })
			if at := k.counted(doc); at.After(k.last) {
				k.last = at
			}
		}
	}
	return err
}

func (r *remains) due(id core.EntryID, now time.Time) core.RetentionDue {
	d := core.RetentionDue{Type: r.typ, ID: id}
	for i := range r.rules {
		over, ok := r.rules[i].end(r.gone)
		if !ok || over.After(now) {
			continue
		}
		d.Fields = append(d.Fields, r.rules[i].fields...)
		if d.Since.IsZero() || over.Before(d.Since) {
			d.Since = over.UTC()
		}
	}
	return d
}

// end gives the moment up to which what is left may be kept; not ok for nothing, and without a date to count from.
func (k *rest) end(gone time.Time) (at time.Time, ok bool) {
	if k.since == "" {
		return k.period.After(gone), k.held
	}
	return k.period.After(k.last), k.held && !k.last.IsZero()
}
