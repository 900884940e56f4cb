package audit

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

// schema of the file. What an index without a position is ordered by after its own columns is the primary key.
const schema = `
create table if not exists state (name text primary key, value) without rowid;
create table if not exists lines (
	position integer not null, part integer not null, at integer not null, by text not null, event text not null, type text not null,
	entry text not null, rev integer not null, reason text not null, comment text not null, address text not null, agent text not null,
	request text not null, count integer not null, detail text not null, primary key (position, part)) without rowid;
create index if not exists lines_by on lines (by);
create index if not exists lines_event on lines (event);
create index if not exists lines_entry on lines (entry) where entry <> '';
create index if not exists lines_type on lines (type);
create index if not exists lines_address on lines (address) where address <> '';
create index if not exists lines_at on lines (at);
`

// format changes with the meaning of what is in the file: one of another format is made anew.
const format = 1

// file is the view on disk.
type file struct {
	db  *sqlite.DB
	put *sql.Stmt
}

// state is how far a file has come.
type state struct {
	position core.Position
	commit   string // the ID of the commit at the position: it says of which log the file is
}

// openFile opens the file, making it anew when it is damaged or of another format.
func openFile(path string) (*file, error) {
	f, err := tryFile(path)
	if err == nil {
		return f, nil
	}
	if sqlite.Unavailable(err) {
		return nil, core.Errorf(core.CodeUnavailable, "The audit trail's file cannot be opened: check the data directory and the room on its disk. %w", err)
	}
	return newFile(path)
}

// newFile begins a file anew.
func newFile(path string) (*file, error) {
	for _, suffix := range [...]string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, core.Errorf(core.CodeUnavailable, "The audit trail's file cannot be replaced: check the rights on the data directory. %w", err)
		}
	}
	f, err := tryFile(path)
	return f, core.Wrap("audit.Open", err)
}

var errFormat = errors.New("the audit trail's file is of another format")

func tryFile(path string) (*file, error) {
	db, err := sqlite.OpenDB(path, sqlite.Options{Sync: sqlite.SyncNormal, SecureDelete: true})
	if err != nil {
		return nil, err
	}
	f := &file{db: db}
	if err := f.prepare(); err != nil {
		db.Close()
		return nil, err
	}
	return f, nil
}

func (f *file) prepare() error {
	if _, err := f.db.Write.Exec(schema); err != nil {
		return err
	}
	if _, err := f.db.Write.Exec(`insert or ignore into state values ('format', ?), ('position', 0), ('commit', '')`, format); err != nil {
		return err
	}
	var have int
	if err := f.db.Write.QueryRow(`select value from state where name = 'format'`).Scan(&have); err != nil {
		return err
	}
	if have != format {
		return errFormat
	}
	var err error
	f.put, err = f.db.Write.Prepare(`insert or replace into lines values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
	return err
}

func (f *file) close() error { return core.Wrap("audit.Close", f.db.Close()) }

func (f *file) state(ctx context.Context) (s state, err error) {
	const text = `select (select value from state where name = 'position'), (select value from state where name = 'commit')`
	var at int64
	err = f.db.Read.QueryRowContext(ctx, text).Scan(&at, &s.commit)
	s.position = core.Position(at)
	return s, core.Wrap("audit.state", err)
}

// take writes the lines of consecutive commits and the position that they lead to, all or nothing.
func (f *file) take(ctx context.Context, commits []core.Commit) error {
	return f.db.Update(ctx, func(tx *sql.Tx) error {
		for i := range commits {
			if err := f.write(ctx, tx, rows(&commits[i])); err != nil {
				return err
			}
		}
		last := &commits[len(commits)-1]
		_, err := tx.ExecContext(ctx, `insert or replace into state values ('position', ?), ('commit', ?)`, int64(last.Position), last.ID)
		return err
	})
}

// rewrite puts the lines of a commit in the place of those that are there; there are as many.
func (f *file) rewrite(ctx context.Context, c *core.Commit) error {
	return f.db.Update(ctx, func(tx *sql.Tx) error { return f.write(ctx, tx, rows(c)) })
}

func (f *file) write(ctx context.Context, tx *sql.Tx, list []row) error {
	put := tx.StmtContext(ctx, f.put)
	for i := range list {
		r := &list[i]
		detail := ""
		if r.Detail != nil {
			text, err := json.Marshal(r.Detail)
			if err != nil {
				return err
			}
			detail = string(text)
		}
		from := core.Origin{}
		if r.Origin != nil {
			from = *r.Origin
		}
		if _, err := put.ExecContext(ctx, int64(r.Position), r.index, r.At.UnixMilli(), r.By, r.Event, string(r.Type), string(r.Entry), r.Rev,
			r.Reason, r.Comment, from.Address, from.Agent, from.Request, r.Count, detail); err != nil {
			return err
		}
	}
	return nil
}

// positions lists the commits before a position that have lines about an entry.
func (f *file) positions(ctx context.Context, entry core.EntryID, before core.Position) ([]core.Position, error) {
	found, err := f.db.Read.QueryContext(ctx, `select distinct position from lines where entry = ? and entry <> '' and position < ?`, string(entry), int64(before))
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var list []core.Position
	for found.Next() {
		var p int64
		if err := found.Scan(&p); err != nil {
			return nil, err
		}
		list = append(list, core.Position(p))
	}
	return list, found.Err()
}

// forget takes out where requests before a time came from, and leaves nothing of it in the files.
func (f *file) forget(ctx context.Context, before time.Time) error {
	done, err := f.db.Write.ExecContext(ctx, `update lines set address = '', agent = '', request = ''
		where at < ? and (address <> '' or agent <> '' or request <> '')`, before.UnixMilli())
	if err != nil {
		return err
	}
	if n, err := done.RowsAffected(); n == 0 || err != nil {
		return err
	}
	return f.fold(ctx)
}

// fold moves what waits in the WAL into the file and empties it: what was overwritten may still stand there.
func (f *file) fold(ctx context.Context) error {
	_, err := f.db.Write.ExecContext(ctx, `pragma wal_checkpoint(truncate)`)
	return err
}
