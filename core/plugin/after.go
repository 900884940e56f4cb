package plugin

import (
	"context"
	"fmt"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

// Committed is one change that stands in the log.
type Committed struct {
	EventID  string // the same at every delivery: use it to recognise a repetition
	Position core.Position
	By       string
	Change   core.Change
}

// After registers a handler that is told of changes after they were committed: at least once, in the order of the log.
// An error is retried with growing pauses and holds back what comes later for this handler, so that order is kept.
func After(r *Registry, fn func(ctx context.Context, c Committed) error, given ...Option) error {
	o := r.options("after", given)
	name := r.manifest.ID + "." + o.name
	for _, c := range r.consumers {
		if c.Name == name {
			return fmt.Errorf("the After handler %s is registered twice: tell them apart with plugin.Named", o.name)
		}
	}
	r.consumers = append(r.consumers, core.Consumer{Name: name, Handle: func(ctx context.Context, commits []core.Commit) error {
		for i := range commits {
			if err := deliver(ctx, &commits[i], &o, fn); err != nil {
				return err
			}
		}
		return nil
	}})
	return nil
}

func deliver(ctx context.Context, commit *core.Commit, o *options, fn func(context.Context, Committed) error) error {
	for i, change := range commit.Changes {
		if !o.wants(change.Type) || len(o.actions) > 0 && !slices.Contains(o.actions, change.Action) {
			continue
		}
		event := Committed{EventID: fmt.Sprintf("evt_%s_%d", commit.ID, i), Position: commit.Position, By: commit.By, Change: change}
		if err := guard(ctx, event, fn); err != nil {
			return err
		}
	}
	return nil
}

// guard keeps a handler's panic from taking the node down: it becomes an error like any other.
func guard(ctx context.Context, c Committed, fn func(context.Context, Committed) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return fn(ctx, c)
}
