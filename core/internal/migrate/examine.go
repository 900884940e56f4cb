package migrate

import (
	"context"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// maxFailures is how many entries that break a review shows.
const maxFailures = 20

// examination runs a proposed type over the entries of the one that it replaces.
type examination struct {
	old, next *core.Type
	repairer  repairer
	past      *past
	removed   []string // fields that the new type does not have, and no repair names
	review    *core.Review
	advice    *advice
	unique    []uniqueCheck
}

// uniqueCheck finds entries that would share a value of a field that becomes unique.
type uniqueCheck struct {
	path string
	seen map[string]core.EntryID
}

func (s *Service) newExamination(p *plan) *examination {
	old, next := p.old, p.next
	x := &examination{old: old, next: next, review: p.review, repairer: repairer{next: next, repairs: p.repairs}, past: s.pastOf(next, p.repairs)}
	x.removed = removedFields(p.review.Changes, p.repairs)
	matched := pair(old, next)
	x.advice = newAdvice(old, next, p.review.Changes, matched)
	for i := range next.Fields {
		f := &next.Fields[i]
		if had := matched.former[f.Path]; f.Unique && (had == nil || !had.Unique) {
			x.unique = append(x.unique, uniqueCheck{f.Path, map[string]core.EntryID{}})
		}
	}
	return x
}

// removedFields are those whose values nothing takes care of.
func removedFields(changes []core.FieldChange, repairs []core.Repair) []string {
	var paths []string
	for _, c := range changes {
		if c.Kind == removed && !slices.ContainsFunc(repairs, func(r core.Repair) bool { return names(&r, c.Path) }) {
			paths = append(paths, c.Path)
		}
	}
	return paths
}

// names reports whether a repair takes care of a removed field's values.
func names(r *core.Repair, path string) bool {
	return (r.Kind == drop || r.Kind == renameKind) && (r.Path == path || strings.HasPrefix(path, r.Path+"."))
}

// entries looks at every entry, trash included.
func (x *examination) entries(ctx context.Context, catalog core.Catalog) error {
	return catalog.Each(ctx, x.old.Name, "", func(e *core.Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		return x.entry(ctx, e)
	})
}

// entry looks at the documents of one entry.
func (x *examination) entry(ctx context.Context, e *core.Entry) error {
	x.review.Entries++
	breaks := false
	for _, d := range documents(e) {
		doc, err := jsondoc.ParseObject(d.doc)
		if err != nil {
			return core.Wrap("migrate.entry "+string(e.ID), err)
		}
		errs, err := x.document(ctx, doc, e, d)
		if err != nil {
			return err
		}
		if len(errs) == 0 {
			continue
		}
		breaks = true
		if len(x.review.Failures) < maxFailures {
			x.review.Failures = append(x.review.Failures, core.Failure{ID: e.ID, In: d.in, Errors: errs})
		}
	}
	if breaks {
		x.review.Breaking++
	}
	x.advice.endEntry()
	return nil
}

// document gives what a document would break, its repairs done, that it did not break before.
func (x *examination) document(ctx context.Context, doc map[string]any, e *core.Entry, d document) ([]core.FieldError, error) {
	next, changed := x.repairer.repaired(doc)
	next, _, err := x.past.restored(ctx, e, next, changed, d.published)
	if err != nil {
		return nil, err
	}
	if len(computed.Fields(x.next)) > 0 {
		next = jsondoc.CloneObject(next)
		if _, err := computed.Fill(ctx, x.next, e.ID, next); ctx.Err() != nil {
			return nil, err // a function's own no is its affair when the entry is written
		}
	}
	errs := x.next.Validator.Validate(next)
	errs = append(errs, x.left(next, errs)...)
	if len(errs) > 0 {
		errs = without(errs, x.old.Validator.Validate(doc))
	}
	if !e.Trashed() {
		errs = append(errs, x.shared(next, e.ID)...)
	}
	if len(errs) > 0 {
		x.advice.consider(next, errs)
	}
	return errs, nil
}

// left tells of values of removed fields that the new type would let lie: they are dropped only where a repair says so.
func (x *examination) left(doc map[string]any, told []core.FieldError) (errs []core.FieldError) {
	for _, path := range x.removed {
		if len(jsondoc.Values(doc, path)) == 0 {
			continue
		}
		pointer := jsondoc.Pointer(strings.Split(path, ".")...)
		if !slices.ContainsFunc(told, func(e core.FieldError) bool { return samePath(e.Pointer, path) }) {
			errs = append(errs, fieldError(pointer, removed, core.Text{
				"fr": "Le champ « " + path + " » disparaît, et il a une valeur ici : renommez-le ou dites de l’abandonner (drop).",
				"en": "The field “" + path + "” goes, and it has a value here: rename it, or say that it is dropped (drop)."}))
		}
	}
	return errs
}

func samePath(pointer, path string) bool {
	at, _ := dotted(pointer)
	return at == path
}

// shared tells of a value of a field that becomes unique and that another entry has.
func (x *examination) shared(doc map[string]any, id core.EntryID) (errs []core.FieldError) {
	for i := range x.unique {
		u := &x.unique[i]
		for _, v := range jsondoc.Values(doc, u.path) {
			owner, taken := u.seen[keyOf(v)]
			if taken && owner != id {
				errs = append(errs, fieldError(jsondoc.Pointer(strings.Split(u.path, ".")...), "unique", core.Text{
					"fr": "L’entrée " + string(owner) + " a déjà cette valeur.", "en": "The entry " + string(owner) + " has this value already."}))
				continue
			}
			u.seen[keyOf(v)] = id
		}
	}
	return errs
}

func fieldError(pointer, keyword string, text core.Text) core.FieldError {
	return core.FieldError{Pointer: pointer, Keyword: keyword, Message: text["en"], Texts: text}
}

// without takes out what was wrong already: no fault of the change.
func without(errs, before []core.FieldError) []core.FieldError {
	return slices.DeleteFunc(errs, func(e core.FieldError) bool {
		return slices.ContainsFunc(before, func(b core.FieldError) bool { return b.Pointer == e.Pointer && b.Keyword == e.Keyword })
	})
}

// document is one document of an entry with the state that shows it.
type document struct {
	in        core.State
	doc       core.Doc
	published bool
}

func documents(e *core.Entry) []document {
	var out []document
	add := func(in core.State, doc core.Doc, published bool) {
		if doc == nil {
			return
		}
		if e.Trashed() {
			in = core.StateTrash
		}
		out = append(out, document{in, doc, published})
	}
	add(core.StateDraft, e.Draft, false)
	add(core.StatePublished, e.Published, true)
	return out
}

// byUse orders proposals by what they help most; of equal ones what keeps the value comes before what drops it.
func byUse(repairs []core.Repair) []core.Repair {
	repairs = sortRepairs(repairs)
	slices.SortStableFunc(repairs, func(a, b core.Repair) int { return b.Count - a.Count })
	return repairs
}
