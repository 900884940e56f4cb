package content_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
	"github.com/palabre-cms/palabre/core/internal/sqlite"
)

// What was worked out for an entry or a type that has moved since is stale: a publication that fell due is not undone.
func TestMigrate_stale(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	l := openLogWith(t, sqlitelog.Options{Sync: sqlite.SyncOff, Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	n := startOn(t, l)
	fiche := compiled()["fiche"]
	e := n.plan(n.create("fiche", `{"title": "A"}`), "publish", time.Now().Add(time.Hour))
	rewritten := func(hash string) core.Operation {
		return core.Operation{Op: core.OperationReplace, Type: "fiche", ID: e.ID, IfMatch: e.Rev,
			Migrate: &core.Migrated{For: hash, Draft: core.Doc(`{"title":"A","slug":"a","region":"45"}`)}}
	}
	n.refused(core.CodeStale, core.System, rewritten("another"))
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	later.Store(int64(2 * time.Hour))
	n = startWith(t, l, n.catalog.Catalog)
	n.refused(core.CodeStale, core.System, rewritten(fiche.Hash))
	eventually(t, "it is published", func() bool { return n.stored(e).At(time.Now().Add(2*time.Hour)).Published != nil })
}
