package catalog

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

const (
	mostKeyBytes   = 1000
	mostValueBytes = 1 << 20
	mostFoldBytes  = 32 << 20 // written by the fold of one commit
	mostFoldKeys   = 20_000   // the same
	keyBytes       = 100      // of memory that a key takes besides itself
	mostRows       = 1000     // given by one Scan
	mostScanBytes  = 4 << 20  // with which a Scan ends
)

// overlay is a view's table as a fold sees it: what is in the file, and over it what the fold has written. It is used by one
// goroutine, which may be left behind: then nobody looks at it any more.
type overlay struct {
	ctx     context.Context
	docs    *documents
	table   int64
	turns   chan struct{}
	begun   atomic.Int64      // folds that have begun
	began   atomic.Int64      // when the last one did, in nanoseconds, less what was waited until then
	written map[string][]byte // nil for what was deleted
	keys    []string          // of written
	sorted  bool
	held    int           // bytes of memory that written takes, about
	before  int           // keys when the commit began
	bytes   int           // written since
	spent   time.Duration // by folds
	wrong   error         // the first thing that the fold did wrong
	away    error         // the first failure of the file
	waits   stopwatch
	left    atomic.Bool
}

var _ core.Table = (*overlay)(nil)

func newOverlay(ctx context.Context, docs *documents, table int64, urgent bool) *overlay {
	o := &overlay{ctx: ctx, docs: docs, table: table, turns: docs.unhurried, written: map[string][]byte{}}
	if urgent {
		o.turns = docs.urgent
	}
	return o
}

// usable reports whether there is a point in going on.
func (o *overlay) usable() bool {
	if o.left.Load() && o.wrong == nil {
		o.wrong = errors.New("the table was used after the time of the fold was over")
	}
	return o.wrong == nil && o.away == nil
}

// Get implements core.Table.
func (o *overlay) Get(key string) json.RawMessage {
	if !o.usable() {
		return nil
	}
	if value, ok := o.written[key]; ok {
		return bytes.Clone(value)
	}
	var value []byte
	err := o.read(func(r *rowReader) (err error) {
		value, err = r.get(o.ctx, o.table, key)
		return err
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		o.away = err
	}
	return value
}

// read calls f when it is this fold's turn to look into the file. What it waits for others until then is not its own time.
func (o *overlay) read(f func(r *rowReader) error) error {
	select {
	case o.turns <- struct{}{}:
	default:
		if err := o.queue(); err != nil {
			return err
		}
	}
	defer func() { <-o.turns }()
	return f(&o.docs.stmts.folds)
}

func (o *overlay) queue() error {
	o.waits.start()
	defer o.waits.stop()
	select {
	case o.turns <- struct{}{}:
		return nil
	case <-o.ctx.Done():
		return o.ctx.Err()
	}
}

// Put implements core.Table.
func (o *overlay) Put(key string, value json.RawMessage) {
	switch {
	case !o.usable():
	case !validKey(key):
		o.wrong = fmt.Errorf("a key is UTF-8 text of 1 to %d bytes, not %.100q", mostKeyBytes, key)
	case len(value) > mostValueBytes:
		o.wrong = fmt.Errorf("the value of %.100q has %d bytes, more than %d", key, len(value), mostValueBytes)
	case !json.Valid(value):
		o.wrong = fmt.Errorf("the value of %.100q is not JSON", key)
	default:
		o.write(key, bytes.Clone(value))
	}
}

// Delete implements core.Table.
func (o *overlay) Delete(key string) {
	if o.usable() && validKey(key) {
		o.write(key, nil)
	}
}

func validKey(key string) bool {
	return key != "" && len(key) <= mostKeyBytes && utf8.ValidString(key)
}

func (o *overlay) write(key string, value []byte) {
	if o.bytes += len(key) + len(value); o.bytes > mostFoldBytes {
		o.wrong = fmt.Errorf("the fold of one commit wrote more than %d bytes", mostFoldBytes)
		return
	}
	old, there := o.written[key]
	if !there {
		if len(o.written)-o.before >= mostFoldKeys {
			o.wrong = fmt.Errorf("the fold of one commit wrote more than %d keys", mostFoldKeys)
			return
		}
		o.keys, o.sorted = append(o.keys, key), false
		o.held += len(key) + keyBytes
	}
	o.held += len(value) - len(old)
	o.written[key] = value
}

// sort puts the keys that were written in order, and gives them.
func (o *overlay) sort() []string {
	if !o.sorted {
		slices.Sort(o.keys)
		o.sorted = true
	}
	return o.keys
}

// Scan implements core.Table: it merges what is in the file with what was written since.
func (o *overlay) Scan(prefix, after string, limit int) []core.Row {
	given := newScan(limit)
	from, end := scanRange(prefix, after)
	for own := o.between(from, end); o.usable(); {
		var stored *scan
		err := o.read(func(r *rowReader) (err error) {
			stored, err = r.scan(o.ctx, o.table, from, end, limit)
			return err
		})
		if err != nil {
			o.away = err
			break
		}
		all := !stored.full()
		if !all {
			from = following(stored.rows[len(stored.rows)-1].Key)
		}
		if own = o.merge(given, stored.rows, own, all); all || given.full() {
			return given.rows
		}
	}
	return nil
}

// merge adds what is in the file and what was written, in order, as far as it is known what is in the file.
func (o *overlay) merge(given *scan, stored []core.Row, own []string, all bool) []string {
	for !given.full() && (len(stored) > 0 || all && len(own) > 0) {
		if len(own) == 0 || len(stored) > 0 && stored[0].Key < own[0] {
			given.add(stored[0])
			stored = stored[1:]
			continue
		}
		if len(stored) > 0 && stored[0].Key == own[0] {
			stored = stored[1:]
		}
		if value := o.written[own[0]]; value != nil {
			given.add(core.Row{Key: own[0], Value: bytes.Clone(value)})
		}
		own = own[1:]
	}
	return own
}

// between gives the keys that were written from one on and before another.
func (o *overlay) between(from, end string) []string {
	keys := o.sort()
	first, _ := slices.BinarySearch(keys, from)
	last, _ := slices.BinarySearch(keys, end)
	return keys[first:max(first, last)]
}

// scan is what one Scan gives. It ends with the row with which it has enough: so it depends on the rows alone, and not on which
// of them are in the file already.
type scan struct {
	rows         []core.Row
	bytes, limit int
}

func newScan(limit int) *scan {
	if limit <= 0 || limit > mostRows {
		limit = mostRows
	}
	return &scan{rows: []core.Row{}, limit: limit}
}

func (s *scan) add(r core.Row) {
	s.rows = append(s.rows, r)
	s.bytes += len(r.Key) + len(r.Value)
}

func (s *scan) full() bool { return len(s.rows) >= s.limit || s.bytes >= mostScanBytes }

// scanRange gives the first key that a scan may give, and one that comes after all of them.
func scanRange(prefix, after string) (from, end string) {
	from, end = prefix, "\xff" // which no UTF-8 text begins with
	if after != "" && after >= prefix {
		from = following(after)
	}
	if prefix != "" {
		end = prefix + "\xff"
	}
	return from, end
}

// following is the key that comes next after one.
func following(key string) string { return key + "\x00" }

// rowReader reads the tables of views.
type rowReader struct{ value, rows *sql.Stmt }

func (r *rowReader) prepare(db *sql.DB) (err error) {
	if r.value, err = db.Prepare(`select value from view_rows where view = ? and key = ?`); err != nil {
		return err
	}
	r.rows, err = db.Prepare(`select key, value from view_rows where view = ? and key >= ? and key < ? order by key limit ?`)
	return err
}

// get reads a value of a view, with sql.ErrNoRows where there is none.
func (r *rowReader) get(ctx context.Context, table int64, key string) (value []byte, err error) {
	err = r.value.QueryRowContext(ctx, table, []byte(key)).Scan(&value)
	return value, err
}

// scan reads rows of a view, from a key on and before another. When it is not full there are no more.
func (r *rowReader) scan(ctx context.Context, table int64, from, end string, limit int) (*scan, error) {
	s := newScan(limit)
	found, err := r.rows.QueryContext(ctx, table, []byte(from), []byte(end), s.limit)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	for !s.full() && found.Next() {
		var row core.Row
		if err := found.Scan(&row.Key, (*[]byte)(&row.Value)); err != nil {
			return nil, err
		}
		s.add(row)
	}
	return s, found.Err()
}

// errMoved says that a view's table is not what it was any more: another has folded it, or dropped it.
var errMoved = errors.New("the view's table has moved")

// view writes what was folded of a view, and the position that it leads to. Of one that has moved it writes nothing.
func (w *writer) view(f *viewBatch) {
	if w.err != nil {
		return
	}
	done, err := w.tx.StmtContext(w.ctx, w.s.moveView).ExecContext(w.ctx, int64(f.to), f.table, int64(f.from))
	if err != nil {
		w.err = err
		return
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		f.away = errMoved
		return
	}
	for _, key := range f.overlay.sort() {
		if value := f.overlay.written[key]; value != nil {
			w.exec(w.s.putViewRow, f.table, []byte(key), value)
		} else {
			w.exec(w.s.dropViewRow, f.table, []byte(key))
		}
	}
}

// saveView writes what was folded of a view beside the catalog's own transactions.
func (d *documents) saveView(ctx context.Context, f *viewBatch) error {
	err := d.db.Update(ctx, func(tx *sql.Tx) error {
		w := &writer{ctx: ctx, tx: tx, s: &d.stmts}
		w.view(f)
		return w.err
	})
	return errors.Join(err, f.away)
}

// findView gives the table of a view and how far it has come: an empty one when there was none, or one of another version, or made
// of something else. renewed reports that rows of an old one have to be swept.
func (d *documents) findView(ctx context.Context, v *core.PluginView, made string) (table int64, at core.Position, renewed bool, err error) {
	err = d.db.Update(ctx, func(tx *sql.Tx) error {
		var version int
		var of string
		err := tx.QueryRowContext(ctx, `select id, version, types, position from views where plugin = ? and name = ?`, v.Plugin, v.Name).Scan(&table, &version, &of, &at)
		if err == nil && version == v.Version && of == made || err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		renewed, at = err == nil, 0
		if err := tx.QueryRowContext(ctx, `select 1 + max(coalesce((select max(id) from views), 0), coalesce((select max(view) from view_rows), 0),
			coalesce((select cast(value as integer) from state where name = 'last view'), 0))`).Scan(&table); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `insert or replace into state values ('last view', ?)`, table); err != nil { // no number comes again
			return err
		}
		_, err = tx.ExecContext(ctx, `insert or replace into views values (?, ?, ?, ?, ?, 0)`, table, v.Plugin, v.Name, v.Version, made)
		return err
	})
	return table, at, renewed, err
}

// outdate has a table be another version's: nobody finds it again, and nobody gets its number.
func (d *documents) outdate(ctx context.Context, name core.ViewName) error {
	_, err := d.db.Write.ExecContext(ctx, `update views set version = -1 where plugin = ? and name = ?`, name.Plugin, name.Name)
	return err
}

// forgetViews forgets the views of a plugin, but for some. Their rows are swept afterwards.
func (d *documents) forgetViews(ctx context.Context, plugin string, but []string) error {
	names, err := json.Marshal(append([]string{}, but...))
	if err == nil {
		_, err = d.db.Write.ExecContext(ctx, `delete from views where plugin = ? and name not in (select value from json_each(?))`, plugin, string(names))
	}
	return err
}

const sweptAtOnce = 1000 // rows: what is written beside keeps the writer waiting for a moment only

// sweepViews deletes the rows that are of no view any more.
func (d *documents) sweepViews(ctx context.Context) error {
	for table := int64(0); ; {
		var next sql.NullInt64 // a query for each view: none looks at all rows
		if err := d.db.Read.QueryRowContext(ctx, `select min(view) from view_rows where view > ?`, table).Scan(&next); err != nil || !next.Valid {
			return err
		}
		table = next.Int64
		for more := true; more; {
			done, err := d.db.Write.ExecContext(ctx, `delete from view_rows where view = ?1 and not exists (select 1 from views where id = ?1)
				and key <= (select max(key) from (select key from view_rows where view = ?1 order by key limit ?2))`, table, sweptAtOnce)
			if err != nil {
				return err
			}
			n, _ := done.RowsAffected()
			more = n > 0
		}
	}
}
