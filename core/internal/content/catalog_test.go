package content_test

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// memCatalog is the plainest catalog: it holds every entry in a map and looks at all of them for each answer.
type memCatalog struct {
	core.Catalog // what no write asks for

	types core.Types
	now   func() time.Time

	mu      sync.Mutex
	moved   chan struct{}
	at      core.Position
	sum     string
	entries map[core.EntryID]*core.Entry
	history map[core.EntryID][]core.Revision
	keys    map[string]keyAt
	fail    func() error // asked before each Apply
}

type keyAt struct {
	key core.Key
	at  core.Position
}

func newMemCatalog(types core.Types) *memCatalog {
	return &memCatalog{types: types, now: time.Now, moved: make(chan struct{}), entries: map[core.EntryID]*core.Entry{},
		history: map[core.EntryID][]core.Revision{}, keys: map[string]keyAt{}}
}

func (m *memCatalog) Position() core.Position {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.at
}

func (m *memCatalog) Sum() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.sum
}

func (m *memCatalog) Apply(_ context.Context, commits []core.Commit) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fail != nil {
		if err := m.fail(); err != nil {
			return err
		}
	}
	for i := range commits {
		c := &commits[i]
		if c.Position <= m.at {
			continue
		}
		if c.Position != m.at+1 {
			return core.Errorf(core.CodeInternal, "a gap: %d after %d", c.Position, m.at)
		}
		if err := c.Verify(m.sum); err != nil {
			return err
		}
		m.fold(c)
	}
	close(m.moved)
	m.moved = make(chan struct{})
	return nil
}

func (m *memCatalog) fold(c *core.Commit) {
	m.at, m.sum = c.Position, c.Sum
	if c.Key != nil {
		m.keys[c.Key.Hash] = keyAt{*c.Key, c.Position}
	}
	for i := range c.Changes {
		ch := &c.Changes[i]
		m.history[ch.Entry] = append(m.history[ch.Entry], core.Revision{Rev: ch.Meta.Rev, Position: c.Position, Action: ch.Action})
		if next := ch.Fold(m.entries[ch.Entry]); next != nil {
			m.entries[ch.Entry] = next
		} else {
			delete(m.entries, ch.Entry)
		}
	}
}

func (m *memCatalog) Wait(ctx context.Context, p core.Position) error {
	for {
		m.mu.Lock()
		at, moved := m.at, m.moved
		m.mu.Unlock()
		if at >= p {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memCatalog) NextDue(types ...core.TypeName) (next time.Time) {
	for _, e := range m.all() {
		if at := e.NextDue(); !at.IsZero() && (len(types) == 0 || slices.Contains(types, e.Type)) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// all gives the entries by identifier.
func (m *memCatalog) all() []*core.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]*core.Entry, 0, len(m.entries))
	for _, e := range m.entries {
		list = append(list, e)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

func (m *memCatalog) Entry(_ context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[id]; e != nil && e.Type == name {
		return e, nil
	}
	return nil, core.Errorf(core.CodeNotFound, "There is no %s %s.", name, id)
}

func (m *memCatalog) ByID(ctx context.Context, name core.TypeName, id core.EntryID, s core.State) (*core.View, error) {
	e, err := m.Entry(ctx, name, id)
	if err != nil {
		return nil, err
	}
	if v, ok := e.At(m.now()).View(s); ok {
		return &v, nil
	}
	return nil, core.Errorf(core.CodeNotFound, "There is no %s %s.", name, id)
}

func (m *memCatalog) BySlug(_ context.Context, name core.TypeName, slug string, s core.State) (*core.View, bool, error) {
	t, _ := m.types.Type(name)
	for _, e := range m.all() {
		if e.Type != name {
			continue
		}
		if v, ok := e.At(m.now()).View(s); ok && t.SlugField != "" && slices.Contains(jsondoc.Values(object(v.Doc), t.SlugField), any(slug)) {
			return &v, false, nil
		}
	}
	return nil, false, core.Errorf(core.CodeNotFound, "There is no %s %s.", name, slug)
}

func (m *memCatalog) Unique(_ context.Context, name core.TypeName, field, value string) (core.EntryID, error) {
	for _, e := range m.all() {
		if e.Type != name || e.Trashed() {
			continue
		}
		for _, doc := range documents(e) {
			if slices.Contains(jsondoc.Values(object(doc), field), any(value)) {
				return e.ID, nil
			}
		}
	}
	return "", nil
}

func documents(e *core.Entry) map[core.State]core.Doc {
	docs := map[core.State]core.Doc{}
	if e.Published != nil {
		docs[core.StatePublished] = e.Published
	}
	if e.Draft != nil {
		docs[core.StateDraft] = e.Draft
	}
	return docs
}

func (m *memCatalog) References(_ context.Context, id core.EntryID, _ int) (refs []core.Reference, total int, err error) {
	for _, e := range m.all() {
		t, _ := m.types.Type(e.Type)
		for _, f := range t.Refs() {
			for state, doc := range documents(e) {
				if e.Trashed() {
					state = core.StateTrash
				}
				for _, v := range jsondoc.Values(object(doc), f.Path) {
					if v.(map[string]any)["_ref"] == string(id) {
						refs = append(refs, core.Reference{Type: e.Type, ID: e.ID, Field: f.Path, In: []core.State{state}})
					}
				}
			}
		}
	}
	return refs, len(refs), nil
}

func (m *memCatalog) Each(_ context.Context, name core.TypeName, _ core.EntryID, f func(*core.Entry) error) error {
	for _, e := range m.all() {
		if e.Type != name {
			continue
		}
		if err := f(e); err != nil {
			return err
		}
	}
	return nil
}

func (m *memCatalog) Revisions(_ context.Context, id core.EntryID, before int64, limit int) ([]core.Revision, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []core.Revision
	for _, r := range slices.Backward(m.history[id]) {
		if (before == 0 || r.Rev < before) && len(list) < limit {
			list = append(list, r)
		}
	}
	return list, nil
}

func (m *memCatalog) Key(_ context.Context, hash string) (core.Key, core.Position, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.keys[hash]
	return k.key, k.at, ok
}

func object(doc core.Doc) map[string]any {
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		panic(err)
	}
	return m
}
