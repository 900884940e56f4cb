package content

import (
	"context"

	"github.com/palabre-cms/palabre/core"
)

// replay answers a request that was already performed under its key, as it was answered then; nil when it was not.
func (c *Content) replay(ctx context.Context, ops []core.Operation, key *core.Key) (*core.Result, error) {
	if key == nil {
		return nil, nil
	}
	earlier, at, found := c.catalog.Key(ctx, key.Hash)
	if !found {
		return nil, nil
	}
	if earlier.Request != key.Request {
		return nil, core.Refuse(core.CodeInvalid, "key_reused", "This Idempotency-Key was used for another request: make a new key for each request.",
			"Cette Idempotency-Key a servi à une autre requête : créez une clé par requête.")
	}
	commits, err := c.log.Read(ctx, at, 1)
	if err != nil {
		return nil, err
	}
	if len(commits) == 0 || commits[0].Position != at {
		return nil, core.Errorf(core.CodeInternal, "the log has no commit %d, where an idempotency key says there is one", at)
	}
	return c.retell(ctx, ops, &commits[0])
}

// retell gives the result of a commit that was made of operations.
func (c *Content) retell(ctx context.Context, ops []core.Operation, commit *core.Commit) (*core.Result, error) {
	r := &core.Result{Position: commit.Position, Replayed: true, Items: make([]core.ResultItem, len(ops))}
	used := make([]bool, len(commit.Changes))
	for i := range ops {
		ch := changeOf(ops[i], commit.Changes, used)
		if ch == nil {
			r.Items[i] = c.unchanged(ctx, ops[i])
			continue
		}
		item, err := c.changed(ctx, ch)
		if err != nil {
			return nil, err
		}
		r.Items[i] = item
	}
	return r, nil
}

// changeOf finds the change that an operation made: the first one left with its intent, of its entry, or of its type when
// it did not name one.
func changeOf(op core.Operation, changes []core.Change, used []bool) *core.Change {
	for i := range changes {
		ch := &changes[i]
		if used[i] || ch.Type != op.Type || (op.ID != "" && ch.Entry != op.ID) || !intended(&op, ch.Action) {
			continue
		}
		used[i] = true
		return ch
	}
	return nil
}

func intended(op *core.Operation, a core.Action) bool {
	return a == op.Action() || (op.Op == core.OperationUpsert && a == core.ActionCreate)
}

func (c *Content) changed(ctx context.Context, ch *core.Change) (core.ResultItem, error) {
	item := core.ResultItem{Type: ch.Type, ID: ch.Entry, Action: ch.Action, Changed: true, Created: ch.Action == core.ActionCreate}
	if ch.Op == core.OpPurge {
		return item, nil
	}
	if item.Created {
		item.Entry = ch.Fold(nil)
		return item, nil
	}
	was, err := c.foldBack(ctx, ch.Type, ch.Entry, ch.Meta.Rev)
	if core.CodeOf(err) == core.CodeNotFound { // purged since
		return item, nil
	}
	item.Entry = was
	return item, err
}

// unchanged is the result of an operation that left no change: it had nothing to do, or was refused among others that
// were not.
func (c *Content) unchanged(ctx context.Context, op core.Operation) core.ResultItem {
	item := core.ResultItem{Type: op.Type, ID: op.ID}
	if e, err := c.stored.entry(ctx, op.Type, op.ID); err == nil && e != nil {
		item.Entry = e
		return item
	}
	item.Err = core.Refuse(core.CodeConflict, "", "This operation was refused when the request was first made.", "Cette opération a été refusée la première fois.")
	return item
}
