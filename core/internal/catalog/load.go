package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/palabre-cms/palabre/core"
)

// load fills a memory from the file, as of a time.
func load(ctx context.Context, d *documents, types core.Types, now time.Time) (*memory, error) {
	m := newMemory()
	m.asOf = now
	var err error
	if m.position, m.sum, err = d.state(ctx); err != nil {
		return nil, err
	}
	if err := m.loadTypes(ctx, d, types); err != nil {
		return nil, err
	}
	var last uint32
	if err := d.db.Read.QueryRowContext(ctx, `select coalesce(max(number), 0) from entries`).Scan(&last); err != nil {
		return nil, err
	}
	m.reserve(int(last) + 1)
	if err := m.reserveSlots(ctx, d); err != nil {
		return nil, err
	}
	return m, m.loadEntries(ctx, d, types, last)
}

// loadTypes makes a shelf for each type that the file knows: without columns of its own where the stored values are of another
// version of the type, or the type is not known yet.
func (m *memory) loadTypes(ctx context.Context, d *documents, types core.Types) error {
	rows, err := d.db.Read.QueryContext(ctx, `select name, hash, searched from types order by name`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name, hash, searched string
		if err := rows.Scan(&name, &hash, &searched); err != nil {
			return err
		}
		t, ok := types.Type(core.TypeName(name))
		if !ok || t.Hash != hash {
			t = nil
		}
		s := newShelf(core.TypeName(name), uint32(len(m.shelves)), t, m.ids)
		s.saved, s.searched = hash, searched
		m.shelves = append(m.shelves, s)
		m.byName[s.name] = s
	}
	return rows.Err()
}

// reserveSlots makes room in the columns for as many entries as there are.
func (m *memory) reserveSlots(ctx context.Context, d *documents) error {
	rows, err := d.db.Read.QueryContext(ctx, `select type, count(*) from entries group by type`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name core.TypeName
		var n int
		if err := rows.Scan(&name, &n); err != nil {
			return err
		}
		if s, ok := m.byName[name]; ok {
			s.reserve(n)
		}
	}
	return rows.Err()
}

// loaded is an entry out of the file.
type loaded struct {
	record
	draftValues, publicValues []byte
}

const loadStep = 2048 // entry numbers read by one query

// loadEntries reads the entries on all cores and puts them in their places on one.
func (m *memory) loadEntries(ctx context.Context, d *documents, types core.Types, last uint32) error {
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	chunks := make(chan []loaded, 4)
	var failed error
	go func() {
		for from := uint32(0); from <= last; from += loadStep {
			readers.Go(func() error { return readEntries(ctx, d, from, from+loadStep, chunks) })
		}
		failed = readers.Wait()
		close(chunks)
	}()
	var unsound error
	for chunk := range chunks {
		for i := range chunk {
			if !m.putLoaded(&chunk[i], types) && unsound == nil {
				unsound = core.Errorf(core.CodeInternal, "the values of entry %s in the catalog's file cannot be read", chunk[i].id)
			}
		}
	}
	if failed != nil {
		return failed
	}
	return unsound
}

func readEntries(ctx context.Context, d *documents, from, to uint32, out chan<- []loaded) error {
	rows, err := d.db.Read.QueryContext(ctx, `select number, type, id, draft, published, head, draft_values, published_values
		from entries where number >= ? and number < ?`, from, to)
	if err != nil {
		return err
	}
	defer rows.Close()
	chunk := make([]loaded, 0, loadStep)
	var whole []int // which need all of their meta
	var names interner
	var typ, head, draft, public sql.RawBytes
	for rows.Next() {
		var l loaded
		if err := rows.Scan(&l.number, &typ, &l.id, &l.draft, &l.public, &head, &draft, &public); err != nil {
			return err
		}
		if l.typ = core.TypeName(names.of(typ)); l.typ != "" {
			more, ok := l.readHead(head, &names)
			if !ok {
				return core.Errorf(core.CodeInternal, "the head of entry %s in the catalog's file cannot be read", l.id)
			}
			if more {
				whole = append(whole, len(chunk))
			}
		}
		l.draftValues, l.publicValues = slices.Clone(draft), slices.Clone(public)
		chunk = append(chunk, l)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, i := range whole {
		if err := d.readMeta(ctx, &chunk[i]); err != nil {
			return err
		}
	}
	select {
	case out <- chunk:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *documents) readMeta(ctx context.Context, l *loaded) error {
	var at core.Position
	var draft, public int64
	var meta []byte
	if err := d.stmts.entry.QueryRowContext(ctx, l.number).Scan(&at, &draft, &public, &meta); err != nil {
		return err
	}
	l.meta = core.Meta{}
	return json.Unmarshal(meta, &l.meta)
}

func (m *memory) putLoaded(l *loaded, types core.Types) bool {
	r := l.record
	return m.put(&r, types, func(row int64) []byte {
		s := m.byName[l.typ]
		switch {
		case s == nil || s.table.layout.typ == nil:
			return nil // the values come when the type is bound
		case row == l.draft:
			return l.draftValues
		}
		return l.publicValues
	})
}
