package catalog

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func notFound(name core.TypeName, what string) error {
	return core.Errorf(core.CodeNotFound, "There is no %s %q.", name, what)
}

// look calls f under the read lock, after what is due was carried out.
func (c *Catalog) look(f func(m *memory) error) error {
	c.freshen()
	c.mu.RLock()
	defer c.mu.RUnlock()
	return f(c.m)
}

// Entry gives an entry's whole state as the log has it: what is due shows in Entry.At.
func (c *Catalog) Entry(ctx context.Context, name core.TypeName, id core.EntryID) (*core.Entry, error) {
	for {
		e, at, err := c.entry(ctx, name, id)
		if err != nil || at <= c.Position() {
			return e, err
		}
		if err := c.Wait(ctx, at); err != nil { // the file was ahead of the columns
			return nil, err
		}
	}
}

func (c *Catalog) entry(ctx context.Context, name core.TypeName, id core.EntryID) (e *core.Entry, at core.Position, err error) {
	err = c.look(func(m *memory) error {
		_, number, ok := m.find(name, id)
		if !ok {
			return notFound(name, string(id))
		}
		e, at, err = c.docs.entry(ctx, name, id, number)
		return err
	})
	return e, at, err
}

// entry reads an entry, and the position of its last change.
func (d *documents) entry(ctx context.Context, name core.TypeName, id core.EntryID, number uint32) (*core.Entry, core.Position, error) {
	e := &core.Entry{Type: name, ID: id}
	var at core.Position
	var draft, public int64
	var meta []byte
	err := d.stmts.entry.QueryRowContext(ctx, number).Scan(&at, &draft, &public, &meta)
	if err != nil {
		return nil, 0, core.Wrap("catalog.Entry", err)
	}
	if meta == nil {
		return nil, 0, notFound(name, string(id)) // purged a moment ago
	}
	if err := json.Unmarshal(meta, &e.Meta); err != nil {
		return nil, 0, core.Wrap("catalog.Entry", err)
	}
	if e.Draft, err = d.optional(ctx, draft); err == nil {
		e.Published, err = d.optional(ctx, public)
	}
	return e, at, err
}

func (d *documents) optional(ctx context.Context, row int64) (core.Doc, error) {
	if row == 0 {
		return nil, nil
	}
	return d.get(ctx, row)
}

// ByID gives one entry in a state.
func (c *Catalog) ByID(ctx context.Context, name core.TypeName, id core.EntryID, state core.State) (v *core.View, err error) {
	err = c.look(func(m *memory) error {
		s, number, ok := m.find(name, id)
		if !ok {
			return notFound(name, string(id))
		}
		slot, ok := m.slot(s, number, state)
		if !ok {
			return notFound(name, string(id))
		}
		v, err = c.shown(ctx, s, slot, state)
		return err
	})
	return v, err
}

// shown shows what stands in a slot.
func (c *Catalog) shown(ctx context.Context, s *shelf, slot uint32, state core.State) (*core.View, error) {
	v := c.m.view(s, slot, state)
	var err error
	v.Doc, err = c.docs.get(ctx, s.rows[slot])
	return &v, err
}

// BySlug finds an entry in a state by its slug, or by a former one.
func (c *Catalog) BySlug(ctx context.Context, name core.TypeName, slug string, state core.State) (v *core.View, former bool, err error) {
	err = c.look(func(m *memory) error {
		s, ok := m.byName[name]
		if !ok {
			return notFound(name, slug)
		}
		at, now, ok := m.bySlug(s, slug, state)
		if !ok {
			return notFound(name, slug)
		}
		former = !now
		v, err = c.shown(ctx, s, at, state)
		return err
	})
	return v, former, err
}

// bySlug gives where the entry with a slug stands, and whether it is the slug that it has there now.
func (m *memory) bySlug(s *shelf, slug string, state core.State) (at uint32, now, found bool) {
	at, found = m.holding(s, slug, func(slot uint32) (uint32, bool) { return slot, s.seen(state).has(slot) })
	if found {
		return at, true, true
	}
	seen := func(number uint32) (uint32, bool) { return m.slot(s, number, state) }
	if at, found = m.holding(s, slug, func(slot uint32) (uint32, bool) { return seen(s.number(slot)) }); found && state == core.StateDraft {
		return at, false, true // the published slug beside a draft with another
	}
	for i := len(s.former[slug]) - 1; i >= 0; i-- {
		if at, found := seen(s.former[slug][i]); found {
			return at, false, true
		}
	}
	return noSlot, false, false
}

// holding gives the first slot that f makes of those which hold a slug.
func (m *memory) holding(s *shelf, slug string, f func(slot uint32) (uint32, bool)) (at uint32, found bool) {
	t := s.table.layout.typ
	if t == nil || t.SlugField == "" {
		return noSlot, false
	}
	c, ok := s.column(t.SlugField, core.StateDraft, "")
	if !ok || c.postings == nil {
		return noSlot, false
	}
	code, ok := c.dict.find(slug)
	if !ok {
		return noSlot, false
	}
	c.postings.each(code, func(slot uint32) bool {
		at, found = f(slot)
		return !found
	})
	return at, found
}

// Unique finds the entry that has a value in a field.
func (c *Catalog) Unique(_ context.Context, name core.TypeName, field, value string) (id core.EntryID, err error) {
	err = c.look(func(m *memory) error {
		s, ok := m.byName[name]
		if !ok {
			return nil
		}
		col, ok := s.column(field, core.StateDraft, "")
		if !ok || col.points != nil {
			return nil
		}
		if slot, ok := m.unique(s, col, value); ok {
			id = core.EntryID(m.ids.values[s.number(slot)])
		}
		return nil
	})
	return id, err
}

func (m *memory) unique(s *shelf, c *column, value string) (slot uint32, found bool) {
	kept := func(at uint32) bool {
		if s.visible[seenLatest].has(at) || s.visible[seenPublished].has(at) {
			slot, found = at, true
		}
		return !found
	}
	if c.postings != nil {
		if code, ok := c.dict.find(value); ok {
			c.postings.each(code, kept)
		}
		return slot, found
	}
	slots := newBitset(s.slots())
	c.equal(slots, []any{c.parse(value)})
	slots.each(func(at uint32) {
		if !found {
			kept(at)
		}
	})
	return slot, found
}

// parse reads a value of the column from text.
func (c *column) parse(value string) any {
	switch c.kind {
	case core.KindInteger, core.KindNumber:
		return json.Number(value)
	case core.KindBoolean:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return nil
		}
		return b
	}
	return value
}

// Each calls f with every entry of a type in the order of identifiers.
func (c *Catalog) Each(ctx context.Context, name core.TypeName, after core.EntryID, f func(*core.Entry) error) error {
	for {
		ids, err := c.idsAfter(ctx, name, after)
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			after = id
			e, err := c.Entry(ctx, name, id)
			if core.CodeOf(err) == core.CodeNotFound {
				continue // purged meanwhile
			}
			if err != nil {
				return err
			}
			if err := f(e); err != nil {
				return err
			}
		}
	}
}

func (c *Catalog) idsAfter(ctx context.Context, name core.TypeName, after core.EntryID) (ids []core.EntryID, err error) {
	err = c.look(func(*memory) error {
		rows, err := c.docs.db.Read.QueryContext(ctx, `select id from entries where type = ? and id > ? order by id limit 256`, string(name), string(after))
		if err != nil {
			return core.Wrap("catalog.Each", err)
		}
		defer rows.Close()
		for rows.Next() {
			var id core.EntryID
			if err := rows.Scan(&id); err != nil {
				return core.Wrap("catalog.Each", err)
			}
			ids = append(ids, id)
		}
		return core.Wrap("catalog.Each", rows.Err())
	})
	return ids, err
}

// Revisions lists an entry's revisions, newest first.
func (c *Catalog) Revisions(ctx context.Context, id core.EntryID, before int64, limit int) (list []core.Revision, err error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	err = c.look(func(m *memory) error {
		number, ok := m.ids.find(string(id))
		if !ok || m.shelfOf(number) == nil {
			return core.Errorf(core.CodeNotFound, "There is no entry %q.", id)
		}
		list, err = c.docs.revisions(ctx, number, before, limit, m.position)
		return core.Wrap("catalog.Revisions", err)
	})
	return list, err
}

func (d *documents) revisions(ctx context.Context, number uint32, before int64, limit int, upTo core.Position) ([]core.Revision, error) {
	rows, err := d.stmts.revisions.QueryContext(ctx, number, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []core.Revision{}
	for rows.Next() {
		var r core.Revision
		var at int64
		if err := rows.Scan(&r.Rev, &r.Position, &at, &r.By, &r.Action, &r.Status, &r.Published, &r.Comment); err != nil {
			return nil, err
		}
		if r.Position > upTo {
			continue // the file is ahead of what readers see
		}
		r.At = time.UnixMicro(at).UTC()
		list = append(list, r)
	}
	return list, rows.Err()
}

// Key finds the commit that was made under an Idempotency-Key not longer than 24 hours ago.
func (c *Catalog) Key(ctx context.Context, hash string) (key core.Key, at core.Position, found bool) {
	err := c.look(func(*memory) error {
		return c.docs.stmts.key.QueryRowContext(ctx, hash, c.now().Add(-keyAge).UnixMicro()).Scan(&key.Request, &at)
	})
	if err != nil {
		return core.Key{}, 0, false
	}
	key.Hash = hash
	return key, at, true
}
