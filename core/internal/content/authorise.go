package content

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

type scopeKey struct {
	typ    core.TypeName
	action core.Action
}

type scopeAnswer struct {
	scope *core.Scope
	err   error
}

// scopeFor asks what the caller may do, once in a batch.
func (b *batch) scopeFor(ctx context.Context, t *core.Type, a core.Action) (*core.Scope, error) {
	key := scopeKey{t.Name, a}
	answer, known := b.scopes[key]
	if !known {
		answer.scope, answer.err = b.c.access.Scope(ctx, b.who, t, a)
		b.scopes[key] = answer
	}
	return answer.scope, answer.err
}

// permit checks the caller's right to the operation on the type.
func (e *edit) permit(ctx context.Context) error {
	if err := e.permitOperation(ctx); err != nil {
		return err
	}
	if e.typ.Name == TypeOfTypes && e.who.Kind != "system" {
		return orForbidden(nil, "A content type is changed at /api/v1/types, where the change is reviewed against what is stored.",
			"Un type de contenu se modifie par /api/v1/types, où la modification est confrontée à ce qui est enregistré.")
	}
	return e.onlyAppended()
}

func (e *edit) permitOperation(ctx context.Context) (err error) {
	if e.op.Op == core.OperationTransition {
		return e.permitTransition(ctx)
	}
	if e.op.Op == core.OperationRestore && e.op.Rev > 0 { // an edit, out of the history
		if _, err = e.scopeFor(ctx, e.typ, core.ActionHistory); err != nil {
			return err
		}
		e.scope, err = e.scopeFor(ctx, e.typ, core.ActionUpdate)
		return err
	}
	e.scope, err = e.scopeFor(ctx, e.typ, e.action())
	return err
}

// permitRow checks that the caller's right covers this entry.
func (e *edit) permitRow(ctx context.Context) error {
	if e.old == nil {
		return nil
	}
	return e.covers(ctx, e.typ, e.old, e.before, e.scope)
}

// covers refuses an entry outside a scope: as absent, unless the caller may read it.
func (b *batch) covers(ctx context.Context, t *core.Type, old *core.Entry, doc map[string]any, s *core.Scope) error {
	ok, err := b.matches(ctx, t, s.Where, row{entry: old, doc: doc})
	if ok || err != nil {
		return err
	}
	if seen, err := b.mayReadEntry(ctx, t, old, doc); err != nil || seen {
		return orForbidden(err, "Your role does not allow this on this entry.", "Votre rôle ne le permet pas sur cette entrée.")
	}
	return noEntry(t, old.ID)
}

func orForbidden(err error, en, fr string) error {
	if err != nil {
		return err
	}
	return &core.Error{Code: core.CodeForbidden, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

// mayReadEntry reports whether the caller would be shown an entry: its latest document, or at least the published one.
func (b *batch) mayReadEntry(ctx context.Context, t *core.Type, e *core.Entry, doc map[string]any) (bool, error) {
	s, err := b.scopeFor(ctx, t, core.ActionRead)
	if err != nil {
		return false, onlyFaults(err)
	}
	if s.Drafts {
		if ok, err := b.matches(ctx, t, s.In(core.StateDraft).Where, row{entry: e, doc: doc}); ok || err != nil {
			return ok, err
		}
	}
	if e.Published == nil || e.Trashed() {
		return false, nil
	}
	if s.Where == nil {
		return true, nil
	}
	published, err := parse(e.Published)
	if err != nil {
		return false, err
	}
	return b.matches(ctx, t, s.Where, row{entry: e, doc: published})
}

// onlyFaults takes out the errors that are an answer: no.
func onlyFaults(err error) error {
	switch core.CodeOf(err) {
	case core.CodeNotFound, core.CodeForbidden, core.CodeUnauthenticated:
		return nil
	}
	return err
}

// authoriseFields checks every field that changed, whether the caller or a hook changed it, and that the entry has not
// left the rows that the caller may touch. Only what the system filled in by itself, and what only plugins can set, is
// not the caller's doing.
func (e *edit) authoriseFields(ctx context.Context) error {
	if e.after == nil || e.scope == nil {
		return nil
	}
	if !e.scope.Write.Whole() {
		held, err := e.holding(ctx, e.scope)
		if err != nil {
			return err
		}
		if err := e.refuseFields(&held.Write, changedPaths(e.typ, e.before, e.after)); err != nil {
			return err
		}
	}
	return e.stayCovered(ctx)
}

// holding is a scope with the further fields that it gives for this entry, as it was and as it is to be.
func (e *edit) holding(ctx context.Context, s *core.Scope) (*core.Scope, error) {
	var held uint64
	for i := range s.More {
		ok, err := e.holds(ctx, s.More[i].Where)
		if err != nil {
			return nil, err
		}
		if ok {
			held |= 1 << i
		}
	}
	return s.With(held), nil
}

// holds reports whether a condition holds for the entry before the edit and after it.
func (e *edit) holds(ctx context.Context, where core.Node) (bool, error) {
	if e.old != nil {
		if ok, err := e.matches(ctx, e.typ, where, row{entry: e.old, doc: e.before}); !ok || err != nil {
			return false, err
		}
	}
	return e.matches(ctx, e.typ, where, row{entry: e.oldOrNew(), doc: e.after})
}

func (e *edit) oldOrNew() *core.Entry {
	if e.old != nil {
		return e.old
	}
	return e.moveOn()
}

func (e *edit) refuseFields(allowed *core.FieldSet, paths []string) error {
	var wrong []core.FieldError
	for _, path := range paths {
		f, known := e.typ.Field(path)
		if allowed.Has(path) || slices.Contains(e.filled, path) || (known && fixed(f)) {
			continue
		}
		wrong = append(wrong, broken(pointerTo(path), "forbidden", "Your role does not allow to change this field.", "Votre rôle ne permet pas de modifier ce champ."))
	}
	if len(wrong) == 0 {
		return nil
	}
	err := core.Refuse(core.CodeForbidden, "field", "Your role does not allow to change some of these fields.", "Votre rôle ne permet pas de modifier certains de ces champs.")
	err.Fields = wrong
	return err
}

// stayCovered checks the row rules against the document to come. The system fields are those of before, since moving
// on in the workflow is what was asked for.
func (e *edit) stayCovered(ctx context.Context) error {
	for _, scope := range append([]*core.Scope{e.scope}, e.also...) {
		ok, err := e.matches(ctx, e.typ, scope.Where, row{entry: e.oldOrNew(), doc: e.after})
		if err != nil || !ok {
			return orForbidden(err, "Your role does not allow an entry with these values.", "Votre rôle ne permet pas une entrée avec ces valeurs.")
		}
	}
	return nil
}

// mayRead reports whether the caller is shown a field of the entry before.
func (e *edit) mayRead(path string) bool { return e.shown != nil && e.shown.Readable(e.typ, path) }

// shows is what the caller is shown of the entry's latest document; nil where he is not shown it.
func (e *edit) shows(ctx context.Context) (*core.Scope, error) {
	s, err := e.scopeFor(ctx, e.typ, core.ActionRead)
	if err != nil || !s.Drafts {
		return nil, onlyFaults(err)
	}
	s = s.In(core.StateDraft)
	var held uint64
	for i := range s.More {
		ok, err := e.matches(ctx, e.typ, s.More[i].Where, row{entry: e.old, doc: e.before})
		if err != nil {
			return nil, err
		}
		if ok {
			held |= 1 << i
		}
	}
	return s.With(held), nil
}

// changedPaths lists the fields in which two documents differ, translations included, parents left out where a
// member says it more exactly.
func changedPaths(t *core.Type, before, after map[string]any) []string {
	seen := map[string]bool{}
	differing(t, "", withoutReserved(before), withoutReserved(after), seen)
	was, _ := before[core.DocTranslations].(map[string]any)
	is, _ := after[core.DocTranslations].(map[string]any)
	for l := range both(was, is) {
		a, _ := was[l].(map[string]any)
		b, _ := is[l].(map[string]any)
		differing(t, "", a, b, seen)
	}
	paths := make([]string, 0, len(seen))
	for path := range seen {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return paths
}

func withoutReserved(doc map[string]any) map[string]any {
	out := make(map[string]any, len(doc))
	for name, v := range doc {
		if name != core.DocTranslations && name != core.DocLocale {
			out[name] = v
		}
	}
	return out
}

func both(a, b map[string]any) map[string]bool {
	names := make(map[string]bool, len(a)+len(b))
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	return names
}

func differing(t *core.Type, prefix string, a, b map[string]any, seen map[string]bool) {
	for name := range both(a, b) {
		path := join(prefix, name)
		x, hadX := a[name]
		y, hasY := b[name]
		if hadX == hasY && jsondoc.Equal(x, y) {
			continue
		}
		differingValue(t, path, x, y, seen)
	}
}

// differingValue goes down into groups and lists of groups; any other field differs as a whole.
func differingValue(t *core.Type, path string, x, y any, seen map[string]bool) {
	f, known := t.Field(path)
	if known && f.Kind != core.KindObject {
		seen[path] = true
		return
	}
	a, isA := x.(map[string]any)
	b, isB := y.(map[string]any)
	if (isA && isB) || (isA && y == nil && len(a) > 0) || (isB && x == nil && len(b) > 0) {
		differing(t, path, a, b, seen)
		return
	}
	if list, ok := sameLength(x, y); ok {
		for i := range list[0] {
			if !jsondoc.Equal(list[0][i], list[1][i]) {
				differingValue(t, path, list[0][i], list[1][i], seen)
			}
		}
		return
	}
	seen[path] = true
	for _, side := range [][]any{listItems(x), listItems(y)} {
		for _, item := range side {
			if m, ok := item.(map[string]any); ok {
				differing(t, path, m, nil, seen)
			}
		}
	}
}

func listItems(v any) []any {
	list, _ := v.([]any)
	return list
}

func sameLength(x, y any) (lists [2][]any, ok bool) {
	a, isA := x.([]any)
	b, isB := y.([]any)
	return [2][]any{a, b}, isA && isB && len(a) == len(b) && len(a) > 0 && objects(a) && objects(b)
}

func objects(list []any) bool {
	for _, v := range list {
		if _, ok := v.(map[string]any); !ok {
			return false
		}
	}
	return true
}
