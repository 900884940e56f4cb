package app

import (
	"context"
	"os"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/catalog"
)

// VerifyCatalog builds a second catalog from the log beside the node's own, compares every entry, and reports how
// many are the same.
func (a *App) VerifyCatalog(ctx context.Context, p Progress) (int, error) {
	dir, err := os.MkdirTemp(a.config.Data, "verify-*")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	fresh, err := catalog.Open(ctx, dir, a.types, a.clock.Now, catalog.Options{})
	if err != nil {
		return 0, err
	}
	defer fresh.Close()
	upTo := a.catalog.Position()
	if err := a.replay(ctx, fresh, upTo, p); err != nil {
		return 0, err
	}
	return a.compare(ctx, fresh)
}

func (a *App) replay(ctx context.Context, into core.Catalog, upTo core.Position, p Progress) error {
	for into.Position() < upTo {
		commits, err := a.store.log.Read(ctx, into.Position()+1, 256)
		if err != nil {
			return err
		}
		for len(commits) > 0 && commits[len(commits)-1].Position > upTo {
			commits = commits[:len(commits)-1]
		}
		if len(commits) == 0 {
			return core.Errorf(core.CodeInternal, "the log ends at %d, and the catalog stands at %d: palabre catalog rebuild makes it anew", into.Position(), upTo)
		}
		if err := into.Apply(ctx, commits); err != nil {
			return err
		}
		if p != nil {
			p(int(into.Position()), int(upTo))
		}
	}
	return nil
}

func (a *App) compare(ctx context.Context, fresh core.Catalog) (same int, err error) {
	for _, t := range a.types.Types() {
		counts := [2]int{}
		err := fresh.Each(ctx, t.Name, "", func(want *core.Entry) error {
			counts[0]++
			have, err := a.catalog.Entry(ctx, t.Name, want.ID)
			if err != nil || !sameEntry(have, want) {
				return differs(t.Name, want.ID)
			}
			return nil
		})
		if err != nil {
			return same, err
		}
		err = a.catalog.Each(ctx, t.Name, "", func(*core.Entry) error { counts[1]++; return nil })
		if err != nil {
			return same, err
		}
		if counts[0] != counts[1] {
			return same, core.Errorf(core.CodeInternal, "the catalog has %d entries of %s, the log %d: palabre catalog rebuild makes it anew", counts[1], t.Name, counts[0])
		}
		same += counts[0]
	}
	return same, nil
}

func differs(name core.TypeName, id core.EntryID) error {
	return core.Errorf(core.CodeInternal, "the catalog's %s/%s is not as the log has it: palabre catalog rebuild makes it anew", name, id)
}

// sameEntry compares by the sum that a commit of the entry would have: documents byte for byte, meta field by field.
func sameEntry(a, b *core.Entry) bool { return sumOf(a) == sumOf(b) }

func sumOf(e *core.Entry) string {
	c := core.Commit{Changes: []core.Change{{Type: e.Type, Entry: e.ID, Op: core.OpPut, Meta: e.Meta, Draft: e.Draft, Published: e.Published}}}
	c.Seal("")
	return c.Sum
}
