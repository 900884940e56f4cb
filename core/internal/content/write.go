package content

import (
	"context"

	"github.com/palabre-cms/palabre/core"
)

// Write implements core.Content.
func (c *Content) Write(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	ctx, err := c.enter(ctx, ops, o)
	if err != nil {
		return nil, err
	}
	if o.Partial {
		return c.writeEach(ctx, who, ops, o)
	}
	return c.untilSettled(ctx, func() (*core.Result, error) { return c.writeAll(ctx, who, ops, o) })
}

// writeAll makes one commit of all operations, or none.
func (c *Content) writeAll(ctx context.Context, who *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if earlier, err := c.replay(ctx, ops, o.Key); earlier != nil || err != nil {
		return earlier, err
	}
	b, err := c.begin(ctx, who, o)
	if err != nil {
		return nil, err
	}
	for i := range ops {
		if err := b.perform(ctx, ops[i]); err != nil {
			return nil, b.blame(err, i, len(ops))
		}
	}
	return b.finish(ctx)
}

// A stage is one step of an operation: it refuses, or leaves the edit a step further.
type stage func(e *edit, ctx context.Context) error

// stages is every operation, step by step. Nothing of the entry is touched, and no hook runs, before the caller's
// right to the operation was checked.
func stages(op core.Operation) []stage {
	switch {
	case op.Op == core.OperationErase, op.Op == core.OperationRedact:
		return erasing(op.Op) // see erase.go
	case op.Migrate != nil:
		return []stage{
			(*edit).onlyBySystem,  // schema changes are Palabre's own
			(*edit).find,          // the entry
			(*edit).matchRevision, // is it the revision that was migrated
			(*edit).migrate,       // both documents as they are given
			(*edit).record,        // the change
		}
	case op.Op == core.OperationReassign:
		return []stage{
			(*edit).onlyBySystem,
			(*edit).find,
			(*edit).matchRevision,
			(*edit).reassign, // somebody else's from now on, its documents as they are
			(*edit).record,
		}
	case op.Op == core.OperationTransition:
		return []stage{
			(*edit).permit,          // may the caller do this with the type
			(*edit).find,            // the entry
			(*edit).permitRow,       // may he do it with this one
			(*edit).matchRevision,   // is it the revision that he saw
			(*edit).chooseStep,      // the way in the workflow, and the rights that it needs
			(*edit).requireFields,   // what must be filled in first
			(*edit).runHooks,        // plugins change the document or refuse
			(*edit).complete,        // slug, references
			(*edit).validate,        // against the schema, after the hooks
			(*edit).authoriseFields, // every field that changed, whoever changed it
			(*edit).claim,           // unique values, references
			(*edit).step,            // now, or on the schedule
			(*edit).record,
		}
	case op.Op == core.OperationDelete, op.Op == core.OperationPurge:
		return []stage{
			(*edit).permit,
			(*edit).find,
			(*edit).permitRow,
			(*edit).matchRevision,
			(*edit).gatherVictims,   // what goes with it, what lets go of it, what forbids it
			(*edit).removeVictims,   // hooks may refuse; then each into the trash, or away
			(*edit).detachReferrers, // references that let go
		}
	case op.Op == core.OperationRestore && op.Rev == 0:
		return []stage{
			(*edit).permit,
			(*edit).find,
			(*edit).permitRow,
			(*edit).matchRevision,
			(*edit).untrash, // as it was
			(*edit).runHooks,
			(*edit).compute,
			(*edit).validate, // the type may have changed meanwhile
			(*edit).authoriseFields,
			(*edit).reclaim, // its values may have been taken, what it refers to may be gone
			(*edit).advance,
			(*edit).record,
		}
	default: // create, update, replace, upsert, restore of a revision
		return []stage{
			(*edit).resolveMatch, // upsert: update or create
			(*edit).permit,
			(*edit).find,
			(*edit).permitRow,
			(*edit).matchRevision,
			(*edit).refuseFrozen,    // states in which nobody edits
			(*edit).decode,          // what was sent, laid on the latest document
			(*edit).complete,        // defaults, slug, references given by slug
			(*edit).foreseeStep,     // the way to publication, where that was asked for, and its rights
			(*edit).runHooks,        // plugins change the document or refuse
			(*edit).complete,        // again: they may have emptied the slug
			(*edit).validate,        // against the schema, after the hooks
			(*edit).authoriseFields, // every field that changed, whoever changed it
			(*edit).claim,           // unique values are free, references lead somewhere
			(*edit).advance,         // where the edit leads in the workflow, and publication
			(*edit).record,          // the change
		}
	}
}

// perform runs one operation through its stages and adds what it changes to the batch.
func (b *batch) perform(ctx context.Context, op core.Operation) error {
	e := &edit{batch: b, op: op}
	if err := e.identify(); err != nil {
		return err
	}
	for _, next := range stages(e.op) {
		if err := next(e, ctx); err != nil {
			return err
		}
	}
	return nil
}
