package httpapi

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// worldContent gives the world the methods whose names the Reader has too.
type worldContent struct{ *world }

func (w *world) Write(_ context.Context, _ *core.Principal, ops []core.Operation, o core.WriteOptions) (*core.Result, error) {
	if w.away != nil {
		return nil, w.away
	}
	w.mu.Lock()
	w.wrote, w.options = ops, o
	res := &core.Result{Position: core.Position(w.position.Load()) + 1}
	if o.Key != nil && w.keys[o.Key.Hash] != "" {
		defer w.mu.Unlock()
		if w.keys[o.Key.Hash] != o.Key.Request {
			return nil, core.Refuse(core.CodeConflict, "", "This key was used for something else.", "Cette clé a servi à autre chose.")
		}
		res.Replayed = true
		res.Items = []core.ResultItem{{Entry: w.entries[ficheID], Type: "fiche", ID: ficheID, Created: true}}
		return res, nil
	}
	for i, op := range ops {
		item, err := w.perform(op)
		if err != nil && !o.Partial {
			w.mu.Unlock()
			return nil, with(err, "operation", i)
		}
		item.Err = err
		res.Items = append(res.Items, item)
	}
	if o.Key != nil {
		w.keys[o.Key.Hash] = o.Key.Request
	}
	w.mu.Unlock()
	w.touch(ops[0].Type)
	return res, nil
}

func (w *world) perform(op core.Operation) (core.ResultItem, error) {
	item := core.ResultItem{Type: op.Type, ID: op.ID, Action: core.Action(op.Op), Changed: true}
	if op.Op == core.OperationCreate {
		if op.Data["title"] == "forbidden" {
			return item, core.Refuse(core.CodeForbidden, "", "Your role does not allow this.", "Votre rôle ne le permet pas.")
		}
		if op.Data["title"] == nil {
			return item, core.Invalid(fieldError("/title", "required", "A title is missing.", "Il manque un titre."))
		}
		if item.ID == "" {
			item.ID = freshID
		}
		if w.entries[item.ID] != nil {
			return item, &core.Error{Code: core.CodeConflict, Reason: "exists", Message: "There is one already."}
		}
		item.Created = true
		item.Entry = &core.Entry{Type: op.Type, ID: item.ID, Draft: jsondoc.Encode(op.Data), Meta: core.Meta{Rev: 1, Status: "draft"}}
		if op.Publish {
			at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
			item.Entry.Published, item.Entry.Draft, item.Entry.Status, item.Entry.Live = item.Entry.Draft, nil, "published", &core.Live{Rev: 1, At: at}
		}
		w.entries[item.ID] = item.Entry
		return item, nil
	}
	e := w.entries[op.ID]
	if e == nil || e.Type != op.Type {
		return item, noSuchEntry()
	}
	if op.IfMatch > 0 && op.IfMatch != e.Rev {
		return item, with(with(core.Refuse(core.CodeStale, "", "The entry has changed.", "Le contenu a changé."), "rev", e.Rev), "fields", []string{"title"})
	}
	next := *e
	next.Rev++
	switch op.Op {
	case core.OperationPurge:
		delete(w.entries, op.ID)
		return item, nil
	case core.OperationTransition:
		if _, _, found := w.types[op.Type].Workflow.Transition(op.Transition, e.Status); !found {
			return item, core.Refuse(core.CodeNotFound, "", "There is no such transition.", "Cette transition n’existe pas.")
		}
	case core.OperationUpdate, core.OperationReplace:
		next.Draft = jsondoc.Encode(op.Data)
	}
	item.Entry = &next
	w.entries[op.ID] = &next
	return item, nil
}

// worldSchemas reviews schemas by name only.
type worldSchemas struct{ got []byte }

func (s *worldSchemas) Check(_ context.Context, _ *core.Principal, name core.TypeName, schema []byte, _ []core.Repair) (*core.Review, error) {
	s.got = schema
	return &core.Review{Type: name, Same: true}, nil
}

func (s *worldSchemas) Apply(_ context.Context, _ *core.Principal, name core.TypeName, schema []byte, repairs []core.Repair) (*core.Review, error) {
	s.got = schema
	if len(repairs) == 0 {
		return nil, &core.Error{Code: core.CodeConflict, Message: "Two entries would break.", Extra: map[string]any{"review": core.Review{Type: name, Breaking: 2}}}
	}
	return &core.Review{Type: name, New: name == "fresh"}, nil
}
