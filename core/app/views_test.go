package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/app"
	"github.com/palabre-cms/palabre/core/plugin"
)

// counter is a plugin with a view of how many commits there were, which knows how many it was told of.
type counter struct {
	told   atomic.Int64
	fickle bool
}

func (*counter) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.counter", Version: "1.0.0"}
}

func (p *counter) Register(r *plugin.Registry) error {
	return plugin.Views(r, plugin.View{Name: "commits", Types: []core.TypeName{"_type", "person"}, Fold: func(t plugin.Table, c core.Commit) error {
		told := p.told.Add(1)
		if p.fickle {
			t.Put("told", json.RawMessage(fmt.Sprint(told)))
		}
		t.Put(fmt.Sprint(c.Position), json.RawMessage("1"))
		return nil
	}})
}

// A view stays through a start in safe mode, which runs nothing of plugins and drops nothing of theirs. A catalog that is made
// anew while no server runs gets its views too.
func TestViews_withoutPlugins(t *testing.T) {
	t.Parallel()
	c, p := privateSettings(t), &counter{}
	with := app.Options{Plugins: []plugin.Plugin{p}}
	commits := 0
	run := func(o app.Options, do func(a *app.App)) {
		t.Helper()
		a, err := app.New(c, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		do(a)
		closed(t, a)
	}
	write := func(a *app.App) {
		(&story{t: t, a: a}).call("POST", "/api/v1/content/person", `{"name":"Camille Exemple","mail":"camille@example.org"}`, 201)
	}
	is := func(a *app.App) {
		t.Helper()
		view := a.View("dev.acme.counter", "commits")
		if err := view.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		rows, err := view.Scan(t.Context(), "", "", 0)
		if err != nil || len(rows) == 0 || commits > 0 && len(rows) != commits {
			t.Errorf("the view has %d rows, %v, want %d", len(rows), err, commits)
		}
		commits = len(rows)
	}
	run(with, func(a *app.App) { write(a); is(a) })
	if got := p.told.Swap(0); got != int64(commits) {
		t.Errorf("told of %d commits, want %d", got, commits)
	}
	safe := with
	safe.SafeMode = true
	run(safe, func(a *app.App) {
		if err := a.View("dev.acme.counter", "commits").Ready(t.Context()); core.CodeOf(err) != core.CodeNotFound {
			t.Errorf("in safe mode: %v", err)
		}
	})
	run(with, is)
	if got := p.told.Swap(0); got != 0 {
		t.Errorf("after safe mode it was told of %d commits again", got)
	}
	if err := app.DropCatalog(c); err != nil {
		t.Fatal(err)
	}
	errand := with
	errand.Errand = true
	run(errand, func(a *app.App) {
		if err := a.FoldViews(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if got := p.told.Swap(0); got != int64(commits) {
		t.Errorf("a catalog made anew told it of %d commits, want %d", got, commits)
	}
	run(with, is)
	if got := p.told.Swap(0); got != 0 {
		t.Errorf("and then of %d again", got)
	}
	p.fickle = true
	run(with, func(a *app.App) { (&story{t: t, a: a}).call("POST", "/api/v1/catalog/rebuild", "", 200) })
	run(errand, func(a *app.App) {
		if err := a.VerifyCatalog(t.Context()); err == nil || !strings.Contains(err.Error(), "the view commits of the plugin dev.acme.counter holds other values") {
			t.Errorf("verified: %v", err)
		}
	})
}
