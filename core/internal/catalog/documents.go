package catalog

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// schema of the file. Documents are never changed: an entry's new document has a new row, and the old one is deleted by
// the write after the one that replaced it, when nobody can look at it any more.
const schema = `
create table if not exists state (name text primary key, value) without rowid;
create table if not exists types (name text primary key, hash text not null, searched text not null) without rowid;
create table if not exists entries (
	number integer primary key, type text not null, id text not null unique, position integer not null,
	draft integer not null, published integer not null, head blob, draft_values blob, published_values blob, meta blob);
create index if not exists entries_by_type on entries (type, id);
create table if not exists documents (row integer primary key, doc blob not null);
create table if not exists dead (row integer primary key);
create table if not exists revisions (
	entry integer not null, rev integer not null, position integer not null, at integer not null, author text not null,
	action text not null, status text not null, published integer not null, comment text not null,
	primary key (entry, rev)) without rowid;
create table if not exists keys (hash text primary key, request text not null, position integer not null, at integer not null) without rowid;
create index if not exists keys_by_age on keys (at);
create table if not exists views (
	id integer primary key, plugin text not null, name text not null, version integer not null, types text not null, position integer not null,
	unique (plugin, name));
create table if not exists view_rows (view integer not null, key blob not null, value blob not null, primary key (view, key)) without rowid;
`

// format changes with the meaning of what is in the file: one of another format is made anew.
const format = 1

// documents is the part of the catalog on disk: everything that the columns do not hold, and what they are filled from
// at the next start. The position is written with what it stands for.
type documents struct {
	db         *sqlite.DB
	folds      *sql.DB       // what folds read with
	views      *sql.DB       // what readers of views read with, who may take long
	urgent     chan struct{} // has room for one fold that reads and that writers wait for
	unhurried  chan struct{} // the same for those that nobody waits for
	cache      *cache
	generation string // names this file: what was made from another one cannot be used with it
	nextRow    int64
	stmts      statements
}

type statements struct {
	document, entry, revisions, key                                                   *sql.Stmt
	putDocument, putEntry, putRevision, putKey, purgeRevisions, bury, clean, putState *sql.Stmt
	oldKeys, putType                                                                  *sql.Stmt
	putViewRow, dropViewRow, moveView                                                 *sql.Stmt
	views, folds                                                                      rowReader // for readers, and for folds
}

const (
	foldConns = 2 // for one of either kind
	viewConns = 4
)

// openDocuments opens the file, making it anew when it is damaged or of another format.
func openDocuments(path string, cacheBytes int) (*documents, error) {
	d, err := tryDocuments(path, cacheBytes)
	if err == nil {
		return d, nil
	}
	if sqlite.Unavailable(err) {
		return nil, core.Errorf(core.CodeUnavailable, "The catalog's file cannot be opened: check the data directory and the room on its disk. %w", err)
	}
	if err := removeFile(path); err != nil {
		return nil, core.Errorf(core.CodeUnavailable, "The catalog's damaged file cannot be replaced: check the rights on the data directory. %w", err)
	}
	d, err = tryDocuments(path, cacheBytes)
	return d, core.Wrap("catalog.Open", err)
}

// removeFile removes a SQLite file with what belongs to it.
func removeFile(path string) error {
	for _, suffix := range [...]string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}

var errFormat = errors.New("the catalog's file is of another format")

func tryDocuments(path string, cacheBytes int) (*documents, error) {
	db, err := sqlite.OpenDB(path, sqlite.Options{Sync: sqlite.SyncNormal, MMap: 1 << 40})
	if err != nil {
		return nil, err
	}
	d := &documents{db: db, cache: newCache(cacheBytes), urgent: make(chan struct{}, 1), unhurried: make(chan struct{}, 1)}
	if err = d.openPools(path); err == nil {
		err = d.prepare()
	}
	if err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

// openPools opens the file for those who must not wait for readers of documents, nor keep them.
func (d *documents) openPools(path string) (err error) {
	o := sqlite.Options{Sync: sqlite.SyncNormal, MMap: 1 << 40, ReadOnly: true, Conns: foldConns}
	if d.folds, err = sqlite.Open(path, o); err != nil {
		return err
	}
	o.Conns = viewConns
	d.views, err = sqlite.Open(path, o)
	return err
}

func (d *documents) prepare() error {
	if _, err := d.db.Write.Exec(schema); err != nil {
		return err
	}
	if err := d.checkFormat(); err != nil {
		return err
	}
	if err := d.db.Write.QueryRow(`select max(coalesce((select max(row) from documents), 0), coalesce((select max(row) from dead), 0)) + 1`).Scan(&d.nextRow); err != nil {
		return err
	}
	if err := d.stmts.folds.prepare(d.folds); err != nil {
		return err
	}
	if err := d.stmts.views.prepare(d.views); err != nil {
		return err
	}
	return d.stmts.prepare(d.db)
}

func (d *documents) checkFormat() error {
	if _, err := d.db.Write.Exec(`insert or ignore into state values ('format', ?), ('generation', ?)`, format, string(core.NewID(time.Now()))); err != nil {
		return err
	}
	var have int
	if err := d.db.Write.QueryRow(`select value from state where name = 'format'`).Scan(&have); err != nil {
		return err
	}
	if have != format {
		return errFormat
	}
	return d.db.Write.QueryRow(`select value from state where name = 'generation'`).Scan(&d.generation)
}

func (s *statements) prepare(db *sqlite.DB) (err error) {
	for _, p := range []struct {
		db   *sql.DB
		stmt **sql.Stmt
		text string
	}{
		{db.Read, &s.document, `select doc from documents where row = ?`},
		{db.Read, &s.entry, `select position, draft, published, meta from entries where number = ?`},
		{db.Read, &s.revisions, `select rev, position, at, author, action, status, published, comment from revisions where entry = ? and rev < ? order by rev desc limit ?`},
		{db.Read, &s.key, `select request, position from keys where hash = ? and at >= ?`},
		{db.Write, &s.putDocument, `insert or replace into documents values (?, ?)`},
		{db.Write, &s.putEntry, `insert into entries values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (number) do update set
			type = excluded.type, position = excluded.position, head = excluded.head, meta = excluded.meta,
			draft_values = iif(excluded.draft = draft, draft_values, excluded.draft_values), draft = excluded.draft,
			published_values = iif(excluded.published = published, published_values, excluded.published_values), published = excluded.published`},
		{db.Write, &s.putRevision, `insert or replace into revisions values (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{db.Write, &s.putKey, `insert or replace into keys values (?, ?, ?, ?)`},
		{db.Write, &s.putType, `insert into types values (?, ?, '') on conflict (name) do update set hash = excluded.hash`},
		{db.Write, &s.oldKeys, `delete from keys where at < ?`},
		{db.Write, &s.purgeRevisions, `delete from revisions where entry = ?`},
		{db.Write, &s.bury, `insert or replace into dead values (?)`},
		{db.Write, &s.clean, `delete from documents where row in (select row from dead)`},
		{db.Write, &s.putViewRow, `insert or replace into view_rows values (?, ?, ?)`},
		{db.Write, &s.dropViewRow, `delete from view_rows where view = ? and key = ?`},
		{db.Write, &s.moveView, `update views set position = ? where id = ? and position = ?`},
		{db.Write, &s.putState, `insert or replace into state values (?, ?)`},
	} {
		if *p.stmt, err = p.db.Prepare(p.text); err != nil {
			return err
		}
	}
	return nil
}

func (d *documents) close() error {
	var err error
	for _, pool := range [...]*sql.DB{d.folds, d.views} {
		if pool != nil {
			err = errors.Join(err, pool.Close())
		}
	}
	return errors.Join(err, d.db.Close()) // the last one, which leaves nothing beside the file
}

// state reads how far the file has come.
func (d *documents) state(ctx context.Context) (at core.Position, sum string, err error) {
	rows, err := d.db.Read.QueryContext(ctx, `select name, cast(value as text) from state where name in ('position', 'sum')`)
	if err != nil {
		return 0, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return 0, "", err
		}
		if name == "sum" {
			sum = value
			continue
		}
		if err := json.Unmarshal([]byte(value), &at); err != nil {
			return 0, "", err
		}
	}
	return at, sum, rows.Err()
}

// get reads a document.
func (d *documents) get(ctx context.Context, row int64) (core.Doc, error) {
	doc, err := d.read(ctx, row)
	if err == nil {
		d.cache.put(row, doc)
	}
	return doc, err
}

// read reads a document without keeping it in memory.
func (d *documents) read(ctx context.Context, row int64) (core.Doc, error) {
	if doc, ok := d.cache.get(row); ok {
		return doc, nil
	}
	var doc []byte
	err := d.stmts.document.QueryRowContext(ctx, row).Scan(&doc)
	return doc, core.Wrap("catalog.document", err)
}

// save writes a batch and the position that it leads to, all or nothing.
func (d *documents) save(ctx context.Context, b *batch) error {
	return d.db.Update(ctx, func(tx *sql.Tx) error {
		w := &writer{ctx: ctx, tx: tx, s: &d.stmts}
		w.exec(w.s.clean)
		w.execText(`delete from dead`)
		for _, row := range b.newRows {
			if doc, ok := b.docs[row]; ok {
				w.exec(w.s.putDocument, row, []byte(doc))
			}
		}
		for _, number := range b.order {
			w.entry(b.records[number], b)
		}
		for _, r := range b.revisions {
			w.revision(r)
		}
		for _, row := range b.dead {
			w.exec(w.s.bury, row)
		}
		for name := range b.touched {
			if s := b.m.byName[name]; s.saved != s.hash {
				w.exec(w.s.putType, string(name), s.hash)
			}
		}
		w.keys(b)
		for _, f := range b.views {
			if f.whole() {
				w.view(f)
			}
		}
		for _, m := range b.made {
			w.execText(`update views set types = ? where id = ?`, m.of, m.table)
		}
		w.exec(w.s.putState, "position", int64(b.position))
		w.exec(w.s.putState, "sum", b.sum)
		return w.err
	})
}

// writer writes within one transaction; after its first error it does nothing.
type writer struct {
	ctx context.Context
	tx  *sql.Tx
	s   *statements
	err error
}

func (w *writer) exec(stmt *sql.Stmt, args ...any) {
	if w.err == nil {
		_, w.err = w.tx.StmtContext(w.ctx, stmt).ExecContext(w.ctx, args...)
	}
}

func (w *writer) execText(text string, args ...any) {
	if w.err == nil {
		_, w.err = w.tx.ExecContext(w.ctx, text, args...)
	}
}

func (w *writer) entry(r *record, b *batch) {
	if r.typ == "" {
		w.exec(w.s.putEntry, r.number, "", string(r.id), int64(r.position), 0, 0, nil, nil, nil, nil)
		if r.position > 0 {
			w.exec(w.s.purgeRevisions, r.number)
		}
		return
	}
	meta, err := json.Marshal(r.meta)
	if err != nil && w.err == nil {
		w.err = err
	}
	w.exec(w.s.putEntry, r.number, string(r.typ), string(r.id), int64(r.position), r.draft, r.public,
		r.head(), b.extracted[r.draft], b.extracted[r.public], meta)
}

func (w *writer) revision(r revision) {
	w.exec(w.s.putRevision, r.entry, r.Rev, int64(r.Position), r.At.UnixMicro(), r.By, string(r.Action), string(r.Status), r.Published, r.Comment)
}

// keyAge is how long an idempotency key is kept.
const keyAge = 24 * time.Hour

func (w *writer) keys(b *batch) {
	for _, k := range b.keys {
		w.exec(w.s.putKey, k.key.Hash, k.key.Request, int64(k.position), k.at.UnixMicro())
	}
	if len(b.keys) > 0 {
		w.exec(w.s.oldKeys, b.keys[len(b.keys)-1].at.Add(-keyAge).UnixMicro())
	}
}
