package app

import (
	"context"
	"io"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/schemas/demo"
)

// settleDemo loads the demo content into an empty store, when that was asked for. A load that was interrupted goes on
// at the next start: entries are found again by their slugs.
func (a *App) settleDemo(ctx context.Context) error {
	if !a.config.Demo || a.options.Errand {
		return nil
	}
	const key = "demo"
	kv, err := a.store.log.Get(ctx, key)
	if err != nil && core.CodeOf(err) != core.CodeNotFound {
		return err
	}
	if string(kv.Value) == "loaded" {
		return nil
	}
	if kv.Version == 0 {
		if empty, err := a.hasNoContent(ctx); !empty || err != nil {
			return err
		}
		if kv.Version, err = a.store.log.Set(ctx, core.KV{Key: key, Value: []byte("loading")}); err != nil {
			return otherNode(err)
		}
	}
	if err := a.loadDemo(ctx); err != nil {
		return err
	}
	_, err = a.store.log.Set(ctx, core.KV{Key: key, Value: []byte("loaded"), Version: kv.Version})
	return otherNode(err)
}

// otherNode takes it for done when another node has it in hand.
func otherNode(err error) error {
	if core.CodeOf(err) == core.CodeConflict {
		return nil
	}
	return err
}

func (a *App) hasNoContent(ctx context.Context) (bool, error) {
	for _, t := range contentTypes(a.types) {
		page, err := a.catalog.Query(ctx, core.Query{Type: t.Name, State: core.StateDraft, Limit: 1, Sort: []core.SortKey{{Path: core.Path{Field: "_id"}}}})
		if err != nil || len(page.Views) > 0 {
			return false, err
		}
	}
	return true, nil
}

// loadDemo imports the files of content as one, since their entries refer to each other, and then the accounts.
func (a *App) loadDemo(ctx context.Context) error {
	all, err := demo.All()
	if err != nil {
		return err
	}
	if err := a.loadDemoFrom(ctx, all, ImportOptions{Upsert: "slug", Locale: "en"}); err != nil {
		return err
	}
	users, err := demo.Users()
	if err != nil {
		return err
	}
	defer users.Close()
	return a.loadDemoFrom(ctx, users, ImportOptions{Upsert: "email"})
}

func (a *App) loadDemoFrom(ctx context.Context, lines io.Reader, o ImportOptions) error {
	var bad []string
	o.Format, o.Bad = "jsonl", func(b BadLine) { bad = append(bad, b.String()) }
	report, err := a.Import(ctx, lines, o)
	if err != nil {
		return err
	}
	if report.Failed > 0 {
		a.logger.Warn("some of the demo does not fit the content types that are set", "entries", report.Failed, "first", strings.Join(bad[:min(3, len(bad))], "; "))
	}
	a.logger.Info("demo loaded", "entries", report.Created)
	return nil
}
