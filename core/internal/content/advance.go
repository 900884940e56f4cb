package content

import (
	"bytes"
	"cmp"
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// publishTransition is the name of the way that "publish in the same step" takes.
const publishTransition = "publish"

// advance gives the state that an edit leads to: the document beside the published one, the workflow's state for what
// was edited, and the publication where it was asked for. An edit that changes nothing leads nowhere.
func (e *edit) advance(ctx context.Context) error {
	next := e.next // out of the trash
	if next == nil {
		next = e.moveOn()
	}
	edited := e.old == nil || !jsondoc.Equal(e.before, e.after)
	if edited {
		e.putDraft(next)
		if err := e.guardSchedule(ctx, next); err != nil {
			return err
		}
	}
	published, err := e.publishInSameStep(ctx, next)
	if err != nil {
		return err
	}
	if edited || published || e.next != nil {
		e.next = next
	}
	return nil
}

// putDraft sets the document to come beside the published one. Editing back to what is published leaves no draft.
func (e *edit) putDraft(next *core.Entry) {
	next.Draft = e.typ.Validator.Encode(e.after)
	if e.typ.Workflow.Live {
		next.Status = e.typ.Workflow.Initial
		publish(next)
		return
	}
	if next.Published != nil && bytes.Equal(next.Draft, next.Published) {
		next.Draft, next.Status = nil, publishedState(&e.typ.Workflow)
		return
	}
	if state, ok := e.typ.Workflow.State(next.Status); ok && state.OnEdit != "" {
		next.Status = state.OnEdit
	}
}

// publishedState is the state of what has no draft beside what is published: a workflow may have its own for it.
func publishedState(w *core.Workflow) core.Status {
	var own core.Status
	for i := range w.Transitions {
		switch way := &w.Transitions[i]; {
		case way.Effect != core.EffectPublish:
		case way.To == core.StatusPublished:
			return core.StatusPublished
		case own == "":
			own = way.To
		}
	}
	return cmp.Or(own, core.StatusPublished)
}

// publishInSameStep publishes where the operation says so, and reports whether it did.
func (e *edit) publishInSameStep(ctx context.Context, next *core.Entry) (bool, error) {
	if !e.op.Publish || e.typ.Workflow.Live {
		return false, nil
	}
	if err := e.choose(ctx, publishTransition, next); err != nil || e.way == nil {
		return false, err
	}
	if err := missing(e.way, e.after); err != nil {
		return false, err
	}
	return true, e.take(next, e.way)
}

// foreseeStep finds the way of an edit that also publishes, before the hooks run, so that those of the
// publication run too, and so that a caller who may not publish is refused before any of them.
func (e *edit) foreseeStep(ctx context.Context) error {
	if !e.op.Publish || e.typ.Workflow.Live {
		return nil
	}
	from := e.moveOn()
	e.putDraft(from)
	return e.choose(ctx, publishTransition, from)
}

// migrate takes both documents as they are given.
func (e *edit) migrate(ctx context.Context) error {
	if to := e.op.Migrate; to.For != "" && (to.For != e.typ.Hash || e.otherDocuments(to)) {
		return e.stale(ctx)
	}
	next := e.moveOn()
	next.Draft, next.Published = e.op.Migrate.Draft, e.op.Migrate.Published
	if next.Live != nil && !bytes.Equal(next.Published, e.old.Published) {
		next.Live = &core.Live{Rev: next.Rev, At: next.Live.At} // for the public it is not news, but not the same text
	}
	e.next = next
	return nil
}

// otherDocuments reports whether the entry has other documents than were rewritten: a transition has become due since.
func (e *edit) otherDocuments(to *core.Migrated) bool {
	return (to.Draft == nil) != (e.old.Draft == nil) || (to.Published == nil) != (e.old.Published == nil)
}

// reassign makes the entry another principal's; nothing else of it moves.
func (e *edit) reassign(context.Context) error {
	if e.op.Owner == "" {
		return core.Errorf(core.CodeBadRequest, "A reassignment must name the owner to be.")
	}
	if e.old.CreatedBy == e.op.Owner {
		return nil
	}
	e.next = e.moveOn()
	e.next.CreatedBy = e.op.Owner
	return nil
}

func (e *edit) onlyBySystem(context.Context) error {
	if e.who.Kind == "system" {
		return e.onlyAppended()
	}
	return orForbidden(nil, "Only Palabre itself may do this.", "Seul Palabre peut faire cela.")
}
