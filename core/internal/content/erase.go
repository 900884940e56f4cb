package content

import (
	"bytes"
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
)

// erasing are the stages of what only an erasure of personal data does. The documents come from whoever worked them out and
// validated them: no hook sees them once more, and nobody's rules on content can keep a person in it.
func erasing(op core.OperationKind) []stage {
	if op == core.OperationRedact {
		return []stage{(*edit).onlyBySystem, (*edit).redact}
	}
	return []stage{
		(*edit).onlyBySystem,
		(*edit).find,          // the entry, in the trash too
		(*edit).matchRevision, // is it the revision whose documents were rewritten
		(*edit).erase,         // both documents and the former slugs as they are given
		(*edit).recordErasure, // the change, with both documents in full
	}
}

// erase takes both documents as they are given, and of the slugs under which the entry was found before those that may stay.
func (e *edit) erase(ctx context.Context) error {
	to := e.op.Migrate
	if to == nil || to.Draft == nil && to.Published == nil {
		return core.Errorf(core.CodeInternal, "an erasure of the %s %s brings no documents", e.typ.Name, e.id)
	}
	if e.otherDocuments(to) {
		return e.stale(ctx)
	}
	clean := *to
	for _, side := range [...]struct {
		doc *core.Doc
		was core.Doc
	}{{&clean.Draft, e.old.Draft}, {&clean.Published, e.old.Published}} {
		if err := e.recompute(ctx, side.doc, side.was); err != nil {
			return err
		}
	}
	e.op.Migrate = &clean
	if err := e.migrate(ctx); err != nil {
		return err
	}
	e.next.Slugs = to.Slugs
	return nil
}

// recompute computes what is made from what was erased.
func (e *edit) recompute(ctx context.Context, doc *core.Doc, was core.Doc) error {
	if *doc == nil || bytes.Equal(*doc, was) || len(computed.Fields(e.typ)) == 0 {
		return nil
	}
	m, err := parse(*doc)
	if err != nil {
		return err
	}
	computed.Erase(ctx, e.typ, e.id, m)
	*doc = e.typ.Validator.Encode(m)
	return nil
}

// recordErasure adds a change that stands alone: what the entry is does not depend on the changes before it, which are
// rewritten.
func (e *edit) recordErasure(context.Context) error {
	ch := core.ChangeTo(e.old, e.next, core.ActionErase)
	ch.Draft, ch.Published, ch.Comment = inFull(e.next.Draft), inFull(e.next.Published), e.op.Comment
	if err := e.add(e.typ, e.old, e.next, ch); err != nil {
		return err
	}
	e.items = append(e.items, item{core.ResultItem{Type: e.typ.Name, ID: e.id, Action: core.ActionErase, Entry: e.old, Changed: true}, len(e.steps) - 1})
	return nil
}

func inFull(doc core.Doc) core.Doc {
	if doc == nil {
		return core.NullDoc
	}
	return bytes.Clone(doc)
}

// redact records that the entry's past was rewritten. The entry stays as it is, and need not be there any more.
func (e *edit) redact(ctx context.Context) error {
	old, err := e.world.entry(ctx, e.typ.Name, e.id)
	if err != nil {
		return err
	}
	ch := core.Change{Type: e.typ.Name, Entry: e.id, Op: core.OpRedact, Action: core.ActionRedact}
	if old != nil {
		ch.Meta = old.Meta
	}
	if err := e.add(e.typ, old, old, ch); err != nil {
		return err
	}
	e.items = append(e.items, item{core.ResultItem{Type: e.typ.Name, ID: e.id, Action: core.ActionRedact, Entry: old, Changed: true}, len(e.steps) - 1})
	return nil
}
