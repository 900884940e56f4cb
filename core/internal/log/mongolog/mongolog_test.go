package mongolog_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/ferrettest"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
	"github.com/palabre-cms/palabre/core/internal/log/mongolog"
)

func open(t testing.TB, uri, database string) *mongolog.Log {
	t.Helper()
	l, err := mongolog.Open(mongolog.Options{URI: uri, Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestConformance(t *testing.T) {
	t.Parallel()
	logtest.Run(t, func(t testing.TB) core.Log {
		uri, database, _ := ferrettest.Start(t)
		return open(t, uri, database)
	})
	logtest.RunDurable(t, func(t testing.TB) (core.Log, func() core.Log) {
		uri, database, _ := ferrettest.Start(t)
		return open(t, uri, database), func() core.Log { return open(t, uri, database) }
	})
}
