// Package sqlite opens SQLite files with the pragmas that Palabre wants, and classes the driver's errors. It is
// the only package that knows which driver that is.
//
// A file is kept in WAL mode: readers never wait for the writer, the writer never waits for readers. SQLite has one
// writer at a time, so a DB holds two pools: Write with a single connection, where waiting for one's turn costs
// nothing, and Read with several that cannot write.
package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// Sync says what a commit waits for.
type Sync string

const (
	SyncFull   Sync = "FULL"   // the disk: a commit that returned survives a power cut
	SyncNormal Sync = "NORMAL" // the operating system: a power cut may lose the last commits, never the file
	SyncOff    Sync = "OFF"    // nothing: a power cut may damage the file. For what can be rebuilt
)

// Options of a file. The zero Options are the safest ones.
type Options struct {
	Sync     Sync  // SyncFull when empty
	CacheKiB int   // page cache of each connection; 0 is 2 MiB
	MMap     int64 // bytes of the file that may be read through a memory map; 0 is none
	PageSize int   // of a new file, in bytes; 0 is 4096
	// Conns bounds the connections; 0 is 1 for a pool that writes, 4 for one that reads.
	Conns int
	// SecureDelete writes zeros over what is deleted or replaced, so that an erasure leaves nothing in the file.
	SecureDelete bool
	// ReadOnly refuses writes on these connections. The file must exist.
	ReadOnly bool
}

// Open opens a file, making it and its folder when absent, for its owner alone, as one pool of connections. Transactions of a pool that
// may write take the write lock when they begin, so that they cannot fail half-way for want of it.
func Open(path string, o Options) (*sql.DB, error) {
	if !o.ReadOnly {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
		makePrivate(path)
	}
	db, err := sql.Open("sqlite", dsn(path, o))
	if err != nil {
		return nil, fmt.Errorf("sqlite: %s: %w", path, err)
	}
	db.SetMaxOpenConns(o.conns())
	db.SetMaxIdleConns(o.conns())
	if err := db.Ping(); err != nil {
		db.Close()
		return nil, fmt.Errorf("sqlite: %s: %w", path, err)
	}
	return db, nil
}

// makePrivate makes an absent file before SQLite does, which would let everybody read it; what SQLite puts beside it has the
// same rights. What goes wrong SQLite says better.
func makePrivate(path string) {
	if f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
		f.Close()
	}
}

// DB is a file open twice: Write has one connection, Read as many as Options.Conns says.
type DB struct {
	Write, Read *sql.DB
}

// OpenDB opens a file for one writer and several readers.
func OpenDB(path string, o Options) (*DB, error) {
	w := o
	w.Conns, w.ReadOnly = 1, false
	write, err := Open(path, w)
	if err != nil {
		return nil, err
	}
	o.ReadOnly = true
	read, err := Open(path, o)
	if err != nil {
		write.Close()
		return nil, err
	}
	return &DB{Write: write, Read: read}, nil
}

// Update runs f in one transaction of the writer and commits it when f returns nil.
func (d *DB) Update(ctx context.Context, f func(*sql.Tx) error) error {
	return Update(ctx, d.Write, f)
}

// Close closes both pools. The last connection to close folds the WAL into the file.
func (d *DB) Close() error {
	rerr := d.Read.Close()
	if err := d.Write.Close(); err != nil {
		return err
	}
	return rerr
}

// Update runs f in one transaction and commits it when f returns nil, else takes it back and gives f's error.
func Update(ctx context.Context, db *sql.DB, f func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// Shred writes the file anew, so that it holds nothing but what is in its tables now, and empties the WAL. Readers may go on;
// one that looks at an older state holds it up until ctx ends.
func (d *DB) Shred(ctx context.Context) error {
	conn, err := d.Write.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	// The copy on the way may be as large as the file: on disk, where memory is kept for what is small otherwise.
	for _, step := range []string{"pragma temp_store(file)", "vacuum", "pragma temp_store(memory)"} {
		if _, err := conn.ExecContext(ctx, step); err != nil {
			return err
		}
	}
	return emptyWAL(ctx, conn)
}

// emptyWAL folds the WAL into the file and cuts it to nothing, as soon as no reader needs it any more.
func emptyWAL(ctx context.Context, conn *sql.Conn) error {
	for {
		var busy, frames, folded int
		err := conn.QueryRowContext(ctx, "pragma wal_checkpoint(truncate)").Scan(&busy, &frames, &folded)
		if err != nil || busy == 0 {
			return err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o Options) conns() int {
	switch {
	case o.Conns > 0:
		return o.Conns
	case o.ReadOnly:
		return 4
	default:
		return 1
	}
}

// dsn writes the driver's address of a file. The path is escaped, so that ? and % in it stay its own.
func dsn(path string, o Options) string {
	q := url.Values{"_dqs": {"0"}, "_error_rc": {"1"}, "_txlock": {"immediate"}}
	if o.ReadOnly {
		q.Set("mode", "ro")
		q.Set("_txlock", "deferred")
	} else {
		q.Set("_journal_mode", "WAL") // as a key of its own it comes after page_size, which it would else fix at 4096
	}
	for _, p := range o.pragmas() {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

func (o Options) pragmas() []string {
	sync := o.Sync
	if sync == "" {
		sync = SyncFull
	}
	p := []string{"busy_timeout(10000)"}
	if !o.ReadOnly {
		if o.PageSize > 0 {
			p = append(p, number("page_size", int64(o.PageSize)))
		}
		// The limit keeps the WAL of one huge transaction from lying around for ever.
		p = append(p, "journal_size_limit(67108864)")
		if o.SecureDelete {
			p = append(p, "secure_delete(1)")
		}
	}
	p = append(p, "synchronous("+string(sync)+")", "foreign_keys(0)", "temp_store(MEMORY)", "trusted_schema(0)")
	if o.CacheKiB > 0 {
		p = append(p, number("cache_size", -int64(o.CacheKiB)))
	}
	return append(p, number("mmap_size", o.MMap))
}

func number(pragma string, n int64) string {
	return pragma + "(" + strconv.FormatInt(n, 10) + ")"
}
