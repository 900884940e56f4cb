package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

func open(t *testing.T, path string, o sqlite.Options) *sqlite.DB {
	t.Helper()
	db, err := sqlite.OpenDB(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestOpen_Pragmas(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "new", "a ?%41#.db"), sqlite.Options{Sync: sqlite.SyncNormal, CacheKiB: 512, MMap: 1 << 20, PageSize: 8192})
	if _, err := db.Write.Exec(`create table t (a)`); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		pool   *sql.DB
		pragma string
		want   string
	}{
		{db.Write, "journal_mode", "wal"},
		{db.Write, "synchronous", "1"},
		{db.Write, "foreign_keys", "0"},
		{db.Write, "busy_timeout", "10000"},
		{db.Write, "cache_size", "-512"},
		{db.Write, "mmap_size", "1048576"},
		{db.Write, "page_size", "8192"},
		{db.Write, "journal_size_limit", "67108864"},
		{db.Read, "journal_mode", "wal"},
		{db.Read, "mmap_size", "1048576"},
	} {
		var got string
		if err := tc.pool.QueryRow("pragma " + tc.pragma).Scan(&got); err != nil || got != tc.want {
			t.Errorf("%s: got %q, %v, want %q", tc.pragma, got, err, tc.want)
		}
	}
}

func TestOpen_DefaultsToFull(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "a.db"), sqlite.Options{})
	var got int
	if err := db.Write.QueryRow("pragma synchronous").Scan(&got); err != nil || got != 2 {
		t.Errorf("synchronous: got %d, %v, want 2 (FULL)", got, err)
	}
}

func TestOpen_PathIsTakenLiterally(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a?mode=ro&%41#b.db")
	open(t, path, sqlite.Options{})
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestReadPoolCannotWrite(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "a.db"), sqlite.Options{})
	if _, err := db.Read.Exec(`create table t (a)`); !sqlite.Unavailable(err) {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	db := open(t, filepath.Join(t.TempDir(), "a.db"), sqlite.Options{})
	sorry := errors.New("sorry")
	insert := func(result error) func(*sql.Tx) error {
		return func(tx *sql.Tx) error {
			if _, err := tx.Exec(`create table if not exists t (a primary key)`); err != nil {
				return err
			}
			if _, err := tx.Exec(`insert into t values (1)`); err != nil {
				return err
			}
			return result
		}
	}
	if err := db.Update(t.Context(), insert(sorry)); err != sorry {
		t.Errorf("got %v, want the function's error", err)
	}
	if err := db.Update(t.Context(), insert(nil)); err != nil {
		t.Errorf("after a transaction that was taken back: %v", err)
	}
	if err := db.Update(t.Context(), insert(nil)); !sqlite.Taken(err) || sqlite.Unavailable(err) {
		t.Errorf("got %v, want a taken key", err)
	}
	var n int
	if err := db.Read.QueryRow(`select count(*) from t`).Scan(&n); err != nil || n != 1 {
		t.Errorf("got %d rows, %v, want 1", n, err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	if err := os.WriteFile(foreign, []byte("this is a letter, and long enough not to be taken for an empty file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenDB(foreign, sqlite.Options{}); !sqlite.Damaged(err) {
		t.Errorf("a file that is not SQLite's: got %v", err)
	}
	if _, err := sqlite.Open(filepath.Join(dir, "absent.db"), sqlite.Options{ReadOnly: true}); !sqlite.Unavailable(err) {
		t.Errorf("an absent file to read: got %v", err)
	}
	db := open(t, filepath.Join(dir, "small.db"), sqlite.Options{})
	if _, err := db.Write.Exec(`pragma max_page_count=2; create table t (a); insert into t values (zeroblob(100000))`); !sqlite.Full(err) || !sqlite.Unavailable(err) {
		t.Errorf("a full file: got %v", err)
	}
	if sqlite.Damaged(nil) || sqlite.Taken(errors.New("taken")) {
		t.Error("a foreign error was recognised")
	}
}
