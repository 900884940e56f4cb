// Package sqlitelog is the embedded log: one SQLite file, for a single process. It is what Palabre uses when no
// MongoDB is configured: trying out, tests, a small server.
//
// Every Append is one transaction that waits for the disk, so whoever writes much groups proposals into one call.
package sqlitelog

import (
	"context"
	"database/sql"
	"path/filepath"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/filelock"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// Options of a log. The zero Options are the right ones outside of tests.
type Options struct {
	// Now is the store's clock; nil is the machine's.
	Now func() time.Time
	// Sync says what an Append waits for; by default the disk. Less is for tests and benchmarks only.
	Sync sqlite.Sync
}

// Log keeps commits in a SQLite file.
type Log struct {
	db   *sqlite.DB
	lock *filelock.Lock
	now  func() time.Time

	insert *sql.Stmt

	mu      sync.Mutex
	last    core.Position
	grown   chan struct{} // closed when last rises
	closing chan struct{}
	closed  bool
}

var (
	_ core.Log      = (*Log)(nil)
	_ core.Shredder = (*Log)(nil)
)

// Open opens the log in a file, making it and its folder when absent. The file can be open once: a second Open, of
// this or another process, gives CodeConflict.
func Open(path string, o Options) (*Log, error) {
	lock, err := filelock.Take(path+".lock", filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	l, err := open(path, o)
	if err != nil {
		lock.Release()
		return nil, err
	}
	l.lock = lock
	return l, nil
}

func open(path string, o Options) (*Log, error) {
	db, err := sqlite.OpenDB(path, sqlite.Options{Sync: o.Sync, CacheKiB: 4096, PageSize: 8192, SecureDelete: true})
	if err != nil {
		return nil, translate("open the log "+path, err)
	}
	l := &Log{db: db, now: o.Now, grown: make(chan struct{}), closing: make(chan struct{})}
	if l.now == nil {
		l.now = time.Now
	}
	if err := l.prepare(); err != nil {
		db.Close()
		return nil, err
	}
	return l, nil
}

func (l *Log) prepare() error {
	if err := migrate(l.db); err != nil {
		return err
	}
	var err error
	if l.insert, err = l.db.Write.Prepare(insertCommit); err != nil {
		return translate("prepare the log", err)
	}
	l.last, err = last(l.db.Write.QueryRow(selectLast))
	return err
}

// Now gives the time of this machine, which is the store.
func (l *Log) Now(ctx context.Context) (time.Time, error) {
	return l.clock(), ctx.Err()
}

func (l *Log) clock() time.Time { return l.now().UTC().Truncate(time.Millisecond) }

// Wait returns when a commit after the position exists.
func (l *Log) Wait(ctx context.Context, after core.Position) error {
	for {
		grown, there := l.lookAfter(after)
		if there {
			return nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		case <-l.closing:
			return errClosed()
		}
	}
}

// lookAfter reports whether the log goes beyond a position, and gives the channel that tells when it has grown.
func (l *Log) lookAfter(after core.Position) (grown <-chan struct{}, there bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.grown, l.last > after
}

func (l *Log) announce(last core.Position) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if last <= l.last {
		return
	}
	l.last = last
	close(l.grown)
	l.grown = make(chan struct{})
}

// Close closes the file and lets others open it.
func (l *Log) Close() error {
	if !l.beginClose() {
		return nil
	}
	err := l.db.Close()
	if lockErr := l.lock.Release(); err == nil {
		err = lockErr
	}
	return translate("close the log", err)
}

func (l *Log) beginClose() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	close(l.closing)
	return true
}
