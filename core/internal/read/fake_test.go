package read_test

import (
	"context"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// memory is a catalog of a few entries and a log of their commits, in the order of identifiers. It counts look-ups.
type memory struct {
	core.Catalog
	commits []core.Commit
	entries map[core.EntryID]*core.Entry
	history map[core.EntryID][]core.Revision
	past    map[core.EntryID][]*core.Entry
	due     time.Time
	byID    int
	queries []core.Query
	facets  map[string][]core.FacetValue
}

func newMemory() *memory {
	return &memory{entries: map[core.EntryID]*core.Entry{}, history: map[core.EntryID][]core.Revision{}, past: map[core.EntryID][]*core.Entry{}}
}

// put makes a commit of changes from one state of an entry to the next.
func (m *memory) put(action core.Action, next *core.Entry) {
	m.commit(core.ChangeTo(m.entries[next.ID], next, action))
}

func (m *memory) commit(changes ...core.Change) {
	c := core.Commit{Position: m.Position() + 1, At: clock.Add(time.Duration(len(m.commits)) * time.Minute), Changes: changes}
	m.commits = append(m.commits, c)
	for i := range changes {
		m.fold(&c, &changes[i])
	}
}

func (m *memory) fold(c *core.Commit, change *core.Change) {
	next := change.Fold(m.entries[change.Entry])
	if next == nil {
		delete(m.entries, change.Entry)
		return
	}
	m.entries[change.Entry] = next
	m.past[change.Entry] = append(m.past[change.Entry], next)
	m.history[change.Entry] = append([]core.Revision{{Rev: change.Meta.Rev, Position: c.Position, At: c.At, By: "user:1", Action: change.Action, Status: change.Meta.Status}}, m.history[change.Entry]...)
}

func (m *memory) Position() core.Position            { return core.Position(len(m.commits)) }
func (m *memory) NextDue(...core.TypeName) time.Time { return m.due }

// commitLog reads the commits back.
type commitLog struct {
	core.Log
	m *memory
}

func (l commitLog) Last(context.Context) (core.Position, error) { return l.m.Position(), nil }

func (l commitLog) Read(_ context.Context, from core.Position, limit int) ([]core.Commit, error) {
	m := l.m
	if int(from) > len(m.commits) {
		return nil, nil
	}
	rest := m.commits[from-1:]
	return rest[:min(limit, len(rest))], nil
}

func (m *memory) Revision(_ context.Context, _ core.TypeName, id core.EntryID, rev int64) (*core.Entry, error) {
	for _, e := range m.past[id] {
		if e.Rev == rev {
			return e, nil
		}
	}
	return nil, core.Errorf(core.CodeNotFound, "There is no such revision.")
}

func (m *memory) Revisions(_ context.Context, id core.EntryID, before int64, limit int) ([]core.Revision, error) {
	list := slices.DeleteFunc(slices.Clone(m.history[id]), func(r core.Revision) bool { return before > 0 && r.Rev >= before })
	return list[:min(limit, len(list))], nil
}

func (m *memory) ByID(_ context.Context, name core.TypeName, id core.EntryID, s core.State) (*core.View, error) {
	m.byID++
	if e := m.entries[id]; e != nil && e.Type == name {
		if v, ok := e.View(s); ok {
			return &v, nil
		}
	}
	return nil, core.Errorf(core.CodeNotFound, "The catalog has no %s.", string(id))
}

func (m *memory) BySlug(ctx context.Context, name core.TypeName, slug string, s core.State) (*core.View, bool, error) {
	for _, e := range m.entries {
		v, ok := e.View(s)
		if !ok || e.Type != name {
			continue
		}
		doc, _ := jsondoc.ParseObject(v.Doc)
		if doc["slug"] == slug {
			return &v, false, nil
		}
		if slices.Contains(e.Slugs, slug) {
			return &v, true, nil
		}
	}
	return nil, false, core.Errorf(core.CodeNotFound, "The catalog has no %s.", slug)
}

func (m *memory) Query(_ context.Context, q core.Query) (*core.Page, error) {
	m.queries = append(m.queries, q)
	var all []core.View
	for _, id := range m.ids() {
		v, ok := m.entries[id].View(q.State)
		if ok && v.Type == q.Type && (q.Only == nil || slices.Contains(q.Only, id)) && holds(q.Where, &v) && (q.After == nil || id > q.After.ID) {
			if q.Text != "" {
				v.Score, v.Highlights = 1.5, map[string][]string{"title": {"<mark>x</mark>"}, "note": {"<mark>secret</mark>"}}
			}
			all = append(all, v)
		}
	}
	p := &core.Page{Total: len(all), Position: m.Position(), Facets: m.facets}
	if p.Views = all; q.Limit == 0 {
		p.Views = nil
	} else if len(all) > q.Limit {
		p.Views = all[:q.Limit]
		p.Next = &core.Cursor{ID: all[q.Limit-1].ID}
	}
	return p, nil
}

func (m *memory) ids() []core.EntryID {
	var ids []core.EntryID
	for id := range m.entries {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

func (m *memory) Search(ctx context.Context, queries []core.Query, limit, offset int) (*core.Page, error) {
	p := &core.Page{Position: m.Position()}
	for _, q := range queries {
		q.Limit = 1000
		one, _ := m.Query(ctx, q)
		p.Views = append(p.Views, one.Views...)
	}
	sort.Slice(p.Views, func(i, j int) bool { return p.Views[i].ID < p.Views[j].ID })
	p.Total = len(p.Views)
	p.Views = p.Views[min(offset, p.Total):min(offset+limit, p.Total)]
	return p, nil
}

func (m *memory) References(_ context.Context, id core.EntryID, limit int) ([]core.Reference, int, error) {
	var out []core.Reference
	for _, from := range m.ids() {
		e := m.entries[from]
		for _, field := range []string{"partner", "secretPartner", "about"} {
			if in := statesReferring(e, field, id); in != nil {
				out = append(out, core.Reference{Type: e.Type, ID: from, Field: field, In: in})
			}
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Type < out[j].Type })
	return out, len(out), nil
}

func statesReferring(e *core.Entry, field string, id core.EntryID) (in []core.State) {
	for state, doc := range map[core.State]core.Doc{core.StateDraft: e.Draft, core.StatePublished: e.Published} {
		m, _ := jsondoc.ParseObject(doc)
		if ref, _ := m[field].(map[string]any); ref != nil && ref["_ref"] == string(id) {
			in = append(in, state)
		}
	}
	slices.Sort(in)
	return in
}

// holds evaluates what these tests ask: equality of members and their combinations.
func holds(n core.Node, v *core.View) bool {
	switch n := n.(type) {
	case core.And:
		return !slices.ContainsFunc(n, func(n core.Node) bool { return !holds(n, v) })
	case core.Or:
		return slices.ContainsFunc(n, func(n core.Node) bool { return holds(n, v) })
	case core.Not:
		return !holds(n.Node, v)
	case core.Compare:
		doc, _ := jsondoc.ParseObject(v.Doc)
		return slices.Contains(jsondoc.Values(doc, n.Path.Field), n.Values[0])
	}
	return true
}

// ordered makes documents as a validator would: these tests keep their keys sorted.
type ordered struct{}

func (ordered) Validate(map[string]any) []core.FieldError { return nil }
func (ordered) Encode(doc map[string]any) core.Doc        { return jsondoc.Encode(doc) }

var clock = time.Date(2026, 2, 1, 9, 0, 0, 0, time.UTC)

func compact(s string) core.Doc {
	s = strings.NewReplacer("\n", "", "\t", "").Replace(s)
	if s == "" {
		return nil
	}
	return core.Doc(s)
}
