package catalog

import (
	"context"
	"database/sql"

	"github.com/palabre-cms/palabre/core"
)

// rowValues is a document whose columns' values are wanted.
type rowValues struct {
	number    uint32
	row       int64
	draft     bool
	extracted []byte
}

// bind gives the shelf of a type the columns of the type as it is now: from the values in the file where they were made
// by this version of the type, else from the documents. Readers see the old columns until then.
func (c *Catalog) bind(ctx context.Context, t *core.Type) error {
	s, ok := c.m.byName[t.Name]
	if !ok || (s.hash == t.Hash && s.saved == t.Hash) {
		return nil
	}
	if s.hash == t.Hash && s.entries == 0 {
		return c.saveType(ctx, s, t, nil, nil)
	}
	l := newLayout(t)
	b := newBatch(c.m, c.docs.nextRow)
	rows, err := c.valuesOf(ctx, s, l, b)
	if err != nil {
		return err
	}
	if s.saved != t.Hash {
		if err := c.saveType(ctx, s, t, rows, b); err != nil {
			return err
		}
	}
	next := newTable(l, c.m.ids, s.table.columns)
	if err := s.fillAll(next, rows); err != nil {
		return err
	}
	c.swapTable(s, next, b, t)
	return nil
}

// tidy makes the columns of a type anew when their dictionaries hold far more values than there are documents: what edits
// leave behind is never taken out of a dictionary.
func (c *Catalog) tidy(ctx context.Context, s *shelf) error {
	if s.table.layout.typ == nil || !s.table.littered(3*s.slots()+c.options.litter) {
		return nil
	}
	rows, err := c.docs.savedValues(ctx, s.name)
	if err != nil {
		return err
	}
	next := newTable(s.table.layout, c.m.ids, s.table.columns)
	if err := s.fillAll(next, rows); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s.table = next
	s.orders.drop()
	s.matches.drop()
	return nil
}

// littered reports whether a dictionary holds more than so many values for each value that a document may have.
func (t *table) littered(most int) bool {
	for _, c := range t.columns[systemColumns:] {
		if c.kind != core.KindString || c.locale != "" {
			continue
		}
		if m, ok := c.cells.(*multi[uint32]); len(c.dict.values) > most && (!ok || len(c.dict.values) > most+3*len(m.pool)) {
			return true
		}
	}
	return false
}

// fillAll fills a new table with the values of the documents that have slots.
func (s *shelf) fillAll(next *table, rows []rowValues) error {
	slots := make(map[int64]uint32, len(s.rows))
	for slot, row := range s.rows {
		if row != 0 {
			slots[row] = uint32(slot)
		}
	}
	for _, r := range rows {
		if slot, ok := slots[r.row]; ok && !next.fill(slot, r.extracted) {
			return core.Errorf(core.CodeInternal, "the values of document %d in the catalog's file cannot be read", r.row)
		}
	}
	return nil
}

func (c *Catalog) swapTable(s *shelf, next *table, b *batch, t *core.Type) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range b.ghosts {
		c.m.setID(g.number, g.id)
	}
	s.table, s.hash, s.saved = next, t.Hash, t.Hash
	s.orders.drop()
	s.facets.drop()
	s.matches.drop()
	if s.searched != t.Hash {
		c.text.enqueueShelf(c.m, s)
	}
	c.text.bound()
	c.publish(s)
}

// valuesOf gives the values of all documents of a type.
func (c *Catalog) valuesOf(ctx context.Context, s *shelf, l *layout, b *batch) ([]rowValues, error) {
	if s.saved == l.typ.Hash {
		return c.docs.savedValues(ctx, s.name)
	}
	return c.docs.extractAll(ctx, s.name, l, b)
}

func (d *documents) savedValues(ctx context.Context, name core.TypeName) ([]rowValues, error) {
	var found []rowValues
	err := d.eachRow(ctx, `select number, draft, published, draft_values, published_values from entries where type = ?`, name, func(scan func(...any) error) error {
		var number uint32
		var draft, public int64
		var draftValues, publicValues []byte
		err := scan(&number, &draft, &public, &draftValues, &publicValues)
		found = appendRows(found, number, draft, public, draftValues, publicValues)
		return err
	})
	return found, err
}

func appendRows(list []rowValues, number uint32, draft, public int64, draftValues, publicValues []byte) []rowValues {
	if draft != 0 {
		list = append(list, rowValues{number, draft, true, draftValues})
	}
	if public != 0 {
		list = append(list, rowValues{number, public, false, publicValues})
	}
	return list
}

// extractAll works the values out from the documents, some hundred at a time.
func (d *documents) extractAll(ctx context.Context, name core.TypeName, l *layout, b *batch) ([]rowValues, error) {
	found, err := d.rowsOf(ctx, name)
	if err != nil {
		return nil, err
	}
	const step = 512
	for at := 0; at < len(found); at += step {
		chunk := found[at:min(at+step, len(found))]
		docs := make([]core.Doc, len(chunk))
		for i := range chunk {
			if docs[i], err = d.read(ctx, chunk[i].row); err != nil {
				return nil, err
			}
		}
		parallel(len(chunk), func(i int) { chunk[i].extracted = l.extract(docs[i], b) })
	}
	b.haunt()
	return found, nil
}

func (d *documents) rowsOf(ctx context.Context, name core.TypeName) ([]rowValues, error) {
	var found []rowValues
	err := d.eachRow(ctx, `select number, draft, published from entries where type = ?`, name, func(scan func(...any) error) error {
		var number uint32
		var draft, public int64
		err := scan(&number, &draft, &public)
		found = appendRows(found, number, draft, public, nil, nil)
		return err
	})
	return found, err
}

func (d *documents) eachRow(ctx context.Context, query string, arg any, f func(scan func(...any) error) error) error {
	rows, err := d.db.Read.QueryContext(ctx, query, arg)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// saveType writes the values that were worked out for a version of a type, and that they are of it.
func (c *Catalog) saveType(ctx context.Context, s *shelf, t *core.Type, rows []rowValues, b *batch) error {
	err := c.docs.db.Update(ctx, func(tx *sql.Tx) error {
		w := &writer{ctx: ctx, tx: tx, s: &c.docs.stmts}
		draft, err := tx.PrepareContext(ctx, `update entries set draft_values = ? where number = ?`)
		if err != nil {
			return err
		}
		public, err := tx.PrepareContext(ctx, `update entries set published_values = ? where number = ?`)
		if err != nil {
			return err
		}
		for _, r := range rows {
			stmt := public
			if r.draft {
				stmt = draft
			}
			w.exec(stmt, r.extracted, r.number)
		}
		if b != nil {
			for _, number := range b.order {
				w.entry(b.records[number], b)
			}
		}
		w.exec(w.s.putType, string(t.Name), t.Hash)
		return w.err
	})
	if err == nil {
		s.saved = t.Hash
	}
	return err
}
