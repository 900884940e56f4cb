package content

import (
	"context"
	"errors"

	"github.com/palabre-cms/palabre/core"
)

// enter checks a request before anything is looked at.
func (c *Content) enter(ctx context.Context, ops []core.Operation, o core.WriteOptions) (context.Context, error) {
	if len(ops) > maxOperations {
		return ctx, core.Refuse(core.CodeTooLarge, "", "One request may hold %d operations at most. Send fewer at once.",
			"Une requête ne peut pas contenir plus de %d opérations. Envoyez-en moins à la fois.", maxOperations)
	}
	if o.DryRun {
		return ctx, nil
	}
	return ctx, c.health.refusal()
}

// maxAttempts bounds how often a write is prepared anew. After the first time it waits for its turn, so that on one
// node nobody starves.
const maxAttempts = 50

// untilSettled prepares and proposes a write until what it was prepared on stands.
func (c *Content) untilSettled(ctx context.Context, try func() (*core.Result, error)) (*core.Result, error) {
	r, err := try()
	for range maxAttempts {
		var m *moved
		if !errors.As(err, &m) {
			return r, err
		}
		if r, err = c.inTurn(ctx, m.what, try); ctx.Err() != nil && err != nil {
			return nil, err
		}
	}
	var m *moved
	if !errors.As(err, &m) {
		return r, err
	}
	return nil, core.Refuse(core.CodeConflict, "contention", "Too many others are changing the same entries. Try again in a moment.",
		"Trop de modifications concurrentes des mêmes entrées. Réessayez dans un instant.")
}

// inTurn tries with the others held back who met at the same place. The write of a hook does not queue: the write around
// it may hold the turn already.
func (c *Content) inTurn(ctx context.Context, at question, try func() (*core.Result, error)) (*core.Result, error) {
	if nested(ctx) {
		return try()
	}
	done, err := c.turns.take(ctx, at)
	if err != nil {
		return nil, err
	}
	defer done()
	return try()
}

// writeEach performs operations that stand each for itself, in as few commits as hold them. With a key they must fit
// into one, since the key can be kept in one only.
func (c *Content) writeEach(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	all := &core.Result{}
	for len(all.Items) < len(ops) {
		rest := ops[len(all.Items):]
		r, err := c.untilSettled(ctx, func() (*core.Result, error) { return c.writeSome(ctx, who, rest, o) })
		if err != nil && len(all.Items) == 0 {
			return nil, err
		}
		if err != nil {
			return failRest(all, rest, err), nil
		}
		all.Items = append(all.Items, r.Items...)
		all.Position, all.Replayed = r.Position, r.Replayed
	}
	return all, nil
}

// failRest says of operations after a commit that was made that they were not.
func failRest(all *core.Result, rest []core.Operation, err error) *core.Result {
	for i := range rest {
		all.Items = append(all.Items, core.ResultItem{Type: rest[i].Type, ID: rest[i].ID, Err: err})
	}
	return all
}

// writeSome makes one commit of as many operations as fit, the wrong ones left out.
func (c *Content) writeSome(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if earlier, err := c.replay(ctx, ops, o.Key); earlier != nil || err != nil {
		return earlier, err
	}
	b, err := c.begin(ctx, who, o)
	if err != nil {
		return nil, err
	}
	for i := range ops {
		full, err := b.performAlone(ctx, ops[i])
		if err != nil {
			return nil, err
		}
		if full {
			break
		}
	}
	if o.Key != nil && len(b.items) < len(ops) {
		return nil, b.blame(tooMuch(), len(b.items), len(ops))
	}
	return b.finish(ctx)
}

// performAlone performs an operation and, when it fails, takes back what it did and keeps the error as its result. full
// reports that what comes next belongs into the next commit; so does this one when it has left no result.
func (b *batch) performAlone(ctx context.Context, op core.Operation) (full bool, err error) {
	before := b.save()
	err = b.perform(ctx, op)
	if err == nil {
		return b.bytes > b.room(), nil
	}
	if before.steps > 0 && core.CodeOf(err) == core.CodeTooLarge { // those before it have filled the commit
		b.back(before)
		return true, nil
	}
	var m *moved
	if errors.As(err, &m) || ctx.Err() != nil || core.CodeOf(err) == core.CodeUnavailable {
		return false, err
	}
	b.back(before)
	b.items = append(b.items, item{core.ResultItem{Type: op.Type, ID: op.ID, Err: err}, -1})
	return false, nil
}

// comfortable is the weight at which a commit of independent operations is closed: large enough to be fast, small
// enough not to hold up others.
const comfortable = core.MaxCommitBytes / 4

// room is what independent operations may fill of one commit.
func (b *batch) room() int {
	if b.options.Key != nil {
		return core.MaxCommitBytes
	}
	return comfortable
}

func tooMuch() error {
	return core.Refuse(core.CodeTooLarge, "", "With an Idempotency-Key the changes of one request may weigh %d bytes at most. Send fewer operations at once.",
		"Avec une Idempotency-Key, les modifications d’une requête ne peuvent pas dépasser %d octets. Envoyez moins d’opérations à la fois.", core.MaxCommitBytes)
}
