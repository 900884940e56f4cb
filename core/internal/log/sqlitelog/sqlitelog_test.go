package sqlitelog_test

import (
	"path/filepath"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

func open(t testing.TB, path string) *sqlitelog.Log {
	t.Helper()
	l, err := sqlitelog.Open(path, sqlitelog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestConformance(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(t testing.TB) core.Log { return open(t, filepath.Join(t.TempDir(), "log.db")) })
	logtest.RunDurable(t, func(t testing.TB) (core.Log, func() core.Log) {
		path := filepath.Join(t.TempDir(), "log.db")
		return open(t, path), func() core.Log { return open(t, path) }
	})
}
