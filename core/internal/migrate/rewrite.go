package migrate

import (
	"context"
	"errors"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The limits of one commit of a migration: half of what a commit may weigh, since a change weighs more than its documents.
const (
	batchEntries = 200
	batchBytes   = core.MaxCommitBytes / 2
	maxTries     = 20 // of a batch whose entries were edited meanwhile
)

// rewriting makes other documents of those of a type, entry by entry.
type rewriting struct {
	s       *Service
	who     *core.Principal
	name    core.TypeName
	comment string // on each change
	hash    string // of the type that the documents are made for
	// rewrite gives what becomes of a document that is not nil, and whether that is anything else.
	rewrite func(ctx context.Context, e *core.Entry, doc core.Doc, published bool) (core.Doc, bool, error)
}

// errEnough ends a walk through the entries when a batch is full.
var errEnough = errors.New("the batch is full")

// run rewrites all entries, batch after batch.
func (w *rewriting) run(ctx context.Context) error {
	after, tries := core.EntryID(""), 0
	for {
		ops, last, err := w.gather(ctx, after)
		if err != nil || last == "" {
			return err
		}
		if len(ops) > 0 {
			err = w.write(ctx, ops)
		}
		if core.CodeOf(err) == core.CodeStale && tries < maxTries {
			tries++ // somebody edited one of them: look again
			continue
		}
		if err != nil {
			return err
		}
		after, tries = last, 0
	}
}

func (w *rewriting) write(ctx context.Context, ops []core.Operation) error {
	result, err := w.s.c.Content.Write(ctx, w.who, ops, core.WriteOptions{Reason: string(core.ActionMigrate)})
	if err != nil {
		return err
	}
	return w.s.c.Catalog.Wait(ctx, result.Position)
}

// gather makes the operations for the next entries that change, after an identifier. last is "" at the end.
func (w *rewriting) gather(ctx context.Context, after core.EntryID) (ops []core.Operation, last core.EntryID, err error) {
	weight := 0
	err = w.s.c.Catalog.Each(ctx, w.name, after, func(e *core.Entry) error {
		op, changed, err := w.operation(ctx, e)
		if err != nil {
			return err
		}
		if changed {
			size := len(op.Migrate.Draft) + len(op.Migrate.Published)
			if len(ops) > 0 && (len(ops) >= batchEntries || weight+size > batchBytes) {
				return errEnough
			}
			ops, weight = append(ops, op), weight+size
		}
		last = e.ID
		return ctx.Err()
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return ops, last, err
}

// operation rewrites one entry; changed is false when it stays as it is.
func (w *rewriting) operation(ctx context.Context, e *core.Entry) (op core.Operation, changed bool, err error) {
	next := &core.Migrated{For: w.hash}
	if next.Draft, changed, err = w.document(ctx, e, e.Draft, false); err != nil {
		return op, false, err
	}
	published, also, err := w.document(ctx, e, e.Published, true)
	next.Published = published
	op = core.Operation{Op: core.OperationReplace, Type: w.name, ID: e.ID, IfMatch: e.Rev, Migrate: next, Comment: w.comment}
	return op, changed || also, err
}

func (w *rewriting) document(ctx context.Context, e *core.Entry, doc core.Doc, published bool) (core.Doc, bool, error) {
	if doc == nil {
		return nil, false, nil
	}
	return w.rewrite(ctx, e, doc, published)
}

// repairing does the repairs of a change of a type.
type repairing struct {
	repairer repairer
	past     *past
}

func (r *repairing) document(ctx context.Context, e *core.Entry, doc core.Doc, published bool) (core.Doc, bool, error) {
	m, err := jsondoc.ParseObject(doc)
	if err != nil {
		return nil, false, core.Wrap("migrate.document "+string(e.ID), err)
	}
	out, changed := r.repairer.repaired(m)
	out, restored, err := r.past.restored(ctx, e, out, changed, published)
	if err != nil || !changed && !restored {
		return doc, false, err
	}
	return r.repairer.next.Validator.Encode(out), true, nil
}

// past gives back what a migration took away, out of the entries' history.
type past struct {
	s     *Service
	next  *core.Type
	paths []string
}

func (s *Service) pastOf(next *core.Type, repairs []core.Repair) *past {
	p := &past{s: s, next: next}
	for i := range repairs {
		if repairs[i].Kind == restore {
			p.paths = append(p.paths, repairs[i].Path)
		}
	}
	return p
}

// restored puts the values back that a document had before the last migration and has not now.
func (p *past) restored(ctx context.Context, e *core.Entry, doc map[string]any, owned, published bool) (map[string]any, bool, error) {
	if len(p.paths) == 0 {
		return doc, false, nil
	}
	before, err := p.before(ctx, e, published)
	if err != nil || before == nil {
		return doc, false, err
	}
	if !owned {
		doc = jsondoc.CloneObject(doc)
	}
	wrong := p.next.Validator.Validate(doc)
	changed := false
	for _, path := range p.paths {
		value, had := jsondoc.Lookup(before, path)
		if had && lacks(doc, path, wrong) {
			jsondoc.Set(doc, path, jsondoc.Clone(value))
			changed = true
		}
	}
	return doc, changed, nil
}

// lacks reports whether a field has no value, or one that the type refuses. A value that fits was put back already.
func lacks(doc map[string]any, path string, wrong []core.FieldError) bool {
	if _, has := jsondoc.Lookup(doc, path); !has {
		return true
	}
	return slices.ContainsFunc(wrong, func(e core.FieldError) bool { return samePath(e.Pointer, path) })
}

// before finds the document as it was before the last migration; nil when the entry has been edited since, or never
// was migrated.
func (p *past) before(ctx context.Context, e *core.Entry, published bool) (map[string]any, error) {
	lines, err := p.s.c.Catalog.Revisions(ctx, e.ID, 0, 1)
	if err != nil || len(lines) == 0 || lines[0].Action != core.ActionMigrate || lines[0].Rev < 2 {
		return nil, err
	}
	was, err := p.s.c.Content.Revision(ctx, p.next.Name, e.ID, lines[0].Rev-1)
	if err != nil {
		return nil, core.Wrap("migrate.before", err)
	}
	doc := was.Draft
	if published {
		doc = was.Published
	}
	if doc == nil {
		return nil, nil
	}
	return jsondoc.ParseObject(doc)
}
