package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/backup"
	"github.com/palabre-cms/palabre/core/internal/log"
	"github.com/palabre-cms/palabre/core/internal/log/filelock"
	"github.com/palabre-cms/palabre/core/internal/log/mongolog"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

// Store is the log alone, with its data directory locked: what backups and checks work on.
type Store struct {
	log     core.Log
	lock    *filelock.Lock
	data    string
	exposed error // why the data directory could not be closed to others
}

// Progress is told how much is done, and of how much (0 when nobody knows).
type Progress func(done, of int)

// OpenStore locks the data directory, keeps it to its owner and opens the log. CodeConflict with Reason "in_use" while another process has
// it.
func OpenStore(c *config.Config) (*Store, error) {
	lock, err := filelock.Take(filepath.Join(c.Data, "lock"), "the data directory "+c.Data)
	if err != nil {
		return nil, err
	}
	exposed := keepPrivate(c.Data)
	commits, err := openLog(c)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return &Store{log: commits, lock: lock, data: c.Data, exposed: exposed}, nil
}

// HasStore reports whether there is a store already, which opening would not make. With MongoDB any data directory will do,
// since it holds nothing but copies.
func HasStore(c *config.Config) bool {
	if !c.Embedded() {
		return true
	}
	_, err := os.Stat(logFile(c))
	return !errors.Is(err, fs.ErrNotExist)
}

// logFile is the embedded store.
func logFile(c *config.Config) string { return filepath.Join(c.Data, "log.db") }

func openLog(c *config.Config) (core.Log, error) {
	if c.Embedded() {
		return sqlitelog.Open(logFile(c), sqlitelog.Options{})
	}
	return mongolog.Open(mongolog.Options{URI: c.MongoDB.URI.Reveal(), Database: c.MongoDB.Database})
}

// Close closes the log and gives the data directory free.
func (s *Store) Close() error { return errors.Join(s.log.Close(), s.lock.Release()) }

// catalogDir is where a node keeps its catalog.
func catalogDir(data string) string { return filepath.Join(data, "catalog") }

// DropCatalog throws the catalog away; the next start builds it from the log.
func DropCatalog(c *config.Config) error {
	lock, err := filelock.Take(filepath.Join(c.Data, "lock"), "the data directory "+c.Data)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(catalogDir(c.Data)), lock.Release())
}

// Backup notes itself in the log, writes the whole of it and reports how many commits.
func (s *Store) Backup(ctx context.Context, out io.Writer, p Progress) (int, error) {
	last, err := s.log.Last(ctx)
	if err == nil && last > 0 { // an empty store stays one
		err = noteInLog(ctx, s.log, core.AuditEvent{Event: core.AuditBackup, Count: int(last)})
	}
	if err != nil {
		return 0, err
	}
	summary, err := backup.Write(ctx, s.log, out, p.positions())
	if err != nil {
		return 0, err
	}
	return int(summary.Position), nil
}

// Restore fills the empty log with a backup and reports how many commits. The catalog is built from it at the next
// start. No session of before works in it.
func (s *Store) Restore(ctx context.Context, in io.Reader, p Progress) (int, error) {
	file, done, err := seekable(in)
	if err != nil {
		return 0, err
	}
	defer done()
	summary, err := backup.Restore(ctx, file, s.log, p.positions())
	if err != nil {
		return 0, err
	}
	return int(summary.Position), errors.Join(os.RemoveAll(catalogDir(s.data)), os.RemoveAll(filepath.Join(s.data, cookieKeyFile)))
}

// seekable puts a stream into a temporary file: a backup is checked as a whole before any of it is used.
func seekable(in io.Reader) (io.ReadSeeker, func(), error) {
	if file, ok := in.(io.ReadSeeker); ok {
		if _, err := file.Seek(0, io.SeekCurrent); err == nil {
			return file, func() {}, nil
		}
	}
	file, err := os.CreateTemp("", "palabre-restore-*")
	if err != nil {
		return nil, nil, err
	}
	done := func() { file.Close(); os.Remove(file.Name()) }
	if _, err := io.Copy(file, in); err != nil {
		done()
		return nil, nil, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		done()
		return nil, nil, err
	}
	return file, done, nil
}

func (p Progress) positions() func(done, total core.Position) {
	if p == nil {
		return nil
	}
	return func(done, total core.Position) { p(int(done), int(total)) }
}

// Verify checks the whole log and reports how many commits it holds: the chain of sums, what was rewritten without an
// erasure, and that the changes of each entry follow each other. Its error tells what is wrong.
func (s *Store) Verify(ctx context.Context, p Progress) (int, error) {
	report, err := log.Verify(ctx, s.log, p.positions())
	if err != nil {
		return 0, err
	}
	if report.OK() {
		return int(report.Position), nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "the log is damaged in %d places: restore a backup", report.Found)
	for _, problem := range report.Problems {
		fmt.Fprintf(&b, "\n  %d: %s", problem.Position, problem.Message)
	}
	return int(report.Position), core.Errorf(core.CodeInternal, "%s", b.String())
}
