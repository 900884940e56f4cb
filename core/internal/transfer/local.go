package transfer

import (
	"context"
	"errors"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

var _ Destination = (*Local)(nil)

// Local writes into the store of this process, as a principal.
type Local struct {
	Content core.Content
	Catalog core.Catalog
	Types   core.Types
	As      *core.Principal
	// Retry is how long a store that is away is waited for before the import stops; zero does not wait.
	Retry time.Duration
}

// Batch keeps a batch well below the size of a commit.
func (l *Local) Batch() (operations, bytes int) { return 500, 2 << 20 }

// Write performs the operations, each for itself.
func (l *Local) Write(ctx context.Context, ops []core.Operation, dryRun bool) ([]Outcome, error) {
	result, err := l.write(ctx, ops, core.WriteOptions{Reason: "import", Partial: true, DryRun: dryRun})
	if err != nil {
		return nil, err
	}
	if len(result.Items) != len(ops) {
		return nil, errors.New("transfer: the writer did not answer every operation")
	}
	outcomes := make([]Outcome, len(ops))
	for i := range result.Items {
		if err := result.Items[i].Err; core.CodeOf(err) == core.CodeUnavailable {
			return nil, err
		}
		outcomes[i] = l.outcome(&result.Items[i], dryRun)
	}
	return outcomes, nil
}

// write waits for a store that is away. What the lost call may have written is found again by an upsert.
func (l *Local) write(ctx context.Context, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	pause := 100 * time.Millisecond
	for until := time.Now().Add(l.Retry); ; pause = min(2*pause, 5*time.Second) {
		result, err := l.Content.Write(ctx, l.As, ops, o)
		if core.CodeOf(err) != core.CodeUnavailable || time.Now().After(until) {
			return result, err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *Local) outcome(item *core.ResultItem, dryRun bool) Outcome {
	o := Outcome{ID: item.ID, Created: item.Created, Changed: item.Changed, Warnings: item.Warnings, Err: item.Err}
	if item.Entry == nil {
		return o
	}
	o.Published, o.Schedule = item.Entry.Published != nil, item.Entry.Schedule
	if dryRun {
		o.Slug = l.slug(item.Entry)
	}
	return o
}

func (l *Local) slug(e *core.Entry) string {
	t, ok := l.Types.Type(e.Type)
	if !ok || t.SlugField == "" {
		return ""
	}
	doc, err := jsondoc.ParseObject(e.Latest())
	if err != nil {
		return ""
	}
	slug, _ := doc[t.SlugField].(string)
	return slug
}

// Has reports whether an entry is in the catalog.
func (l *Local) Has(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error) {
	e, err := l.Catalog.Entry(ctx, name, id)
	if core.CodeOf(err) == core.CodeNotFound {
		return false, nil
	}
	return err == nil && !e.Trashed(), err
}
