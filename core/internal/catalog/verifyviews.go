package catalog

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// viewPair is one view in both catalogs.
type viewPair struct {
	core.ViewName
	have, want int64 // its tables
}

// snapshots are both files as they were at one position, for as long as it takes to look.
type snapshots struct {
	conns      []*sql.Conn
	have, want *sql.Tx
	pairs      []viewPair
}

// begin takes the connections, for which nobody must have to wait while nothing moves.
func (s *snapshots) begin(ctx context.Context, files ...*documents) error {
	for _, docs := range files {
		conn, err := docs.views.Conn(ctx)
		if err != nil {
			return err
		}
		s.conns = append(s.conns, conn)
	}
	return nil
}

// views compares the tables of the plugins' views. Writes wait only until it is settled what is compared.
func (d *comparison) views(ctx context.Context) error {
	if len(d.want.following) == 0 {
		return nil
	}
	s := &snapshots{}
	defer func() { s.end() }()
	if err := s.begin(ctx, d.have.docs, d.want.docs); err != nil {
		return err
	}
	for tries := 1; s.have == nil; tries++ { // a slow one may have fallen behind
		if err := d.have.approach(ctx, d.want, d.log, nil); err != nil {
			return err
		}
		if err := d.still(ctx, func() error { return d.freeze(ctx, s, tries == mostTries) }); err != nil {
			return err
		}
	}
	for _, p := range s.pairs {
		if err := d.tables(ctx, s, p); err != nil {
			return err
		}
	}
	return nil
}

// mostTries is how often views are brought level before they are compared.
const mostTries = 3

// freeze begins to look at both files as they are now, unless there is another try for views that are not level in the one that was
// made from the log. Only what is level stands for a position.
func (d *comparison) freeze(ctx context.Context, s *snapshots, last bool) (err error) {
	byName := func(a, b core.ViewName) int { return strings.Compare(a.Plugin+" "+a.Name, b.Plugin+" "+b.Name) }
	var behind, failed []core.ViewName
	s.pairs = nil
	for _, name := range slices.SortedFunc(maps.Keys(d.have.following), byName) {
		have, want := d.have.following[name], d.want.following[name]
		switch {
		case want == nil || want.PluginView != have.PluginView || have.standing != core.ViewLevel:
		case want.standing == core.ViewFailed:
			failed = append(failed, name)
		case want.standing == core.ViewCatchingUp:
			behind = append(behind, name)
		default:
			s.pairs = append(s.pairs, viewPair{name, have.table, want.table})
		}
	}
	if len(behind) > 0 && !last {
		return nil
	}
	for _, name := range failed {
		d.differ("the view %s of the plugin %s cannot be made anew: %v", name.Name, name.Plugin, d.want.following[name].fault)
	}
	for _, name := range behind {
		d.differ("the view %s of the plugin %s was not compared: its fold takes too long", name.Name, name.Plugin)
	}
	if s.have, err = snapshot(ctx, s.conns[0]); err == nil {
		s.want, err = snapshot(ctx, s.conns[1])
	}
	return err
}

// snapshot begins a transaction that sees the file as it is now, which it does from its first query on.
func snapshot(ctx context.Context, conn *sql.Conn) (*sql.Tx, error) {
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	var n int
	return tx, tx.QueryRowContext(ctx, `select count(*) from views`).Scan(&n)
}

func (s *snapshots) end() {
	for _, tx := range [...]*sql.Tx{s.have, s.want} {
		if tx != nil {
			_ = tx.Rollback() // it has written nothing
		}
	}
	for _, conn := range s.conns {
		_ = conn.Close()
	}
}

// tables compares the tables of one view, row by row.
func (d *comparison) tables(ctx context.Context, s *snapshots, p viewPair) error {
	have, err := cursorOf(ctx, s.have, p.have)
	if err != nil {
		return err
	}
	defer have.rows.Close()
	want, err := cursorOf(ctx, s.want, p.want)
	if err != nil {
		return err
	}
	defer want.rows.Close()
	different, first := 0, ""
	for have.there || want.there {
		order := have.against(want)
		if order != 0 || !bytes.Equal(have.value, want.value) {
			if different++; different == 1 {
				first = string(have.key)
				if order > 0 {
					first = string(want.key)
				}
			}
		}
		if order <= 0 {
			have.next()
		}
		if order >= 0 {
			want.next()
		}
	}
	if different > 0 {
		d.differ("the view %s of the plugin %s holds other values than its fold makes of the log, at %d keys, the first of them %q: a fold must give the same each time",
			p.Name, p.Plugin, different, first)
	}
	return errors.Join(have.err, want.err)
}

// rowCursor walks the rows of a table.
type rowCursor struct {
	rows       *sql.Rows
	there      bool
	key, value sql.RawBytes
	err        error
}

func cursorOf(ctx context.Context, tx *sql.Tx, table int64) (*rowCursor, error) {
	rows, err := tx.QueryContext(ctx, `select key, value from view_rows where view = ? order by key`, table)
	if err != nil {
		return nil, err
	}
	c := &rowCursor{rows: rows}
	c.next()
	return c, nil
}

func (c *rowCursor) next() {
	c.there = c.rows.Next()
	if c.there {
		c.err = c.rows.Scan(&c.key, &c.value)
	} else if c.err == nil {
		c.err = c.rows.Err()
	}
	c.there = c.there && c.err == nil
}

// against says which of two cursors is at the earlier key, as bytes.Compare does.
func (c *rowCursor) against(other *rowCursor) int {
	switch {
	case !c.there:
		return 1
	case !other.there:
		return -1
	}
	return bytes.Compare(c.key, other.key)
}
