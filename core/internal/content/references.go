package content

import (
	"context"
	"slices"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// refID gives the identifier in the value of a reference field, or "".
func refID(v any) core.EntryID { return core.EntryID(member(v, "_ref")) }

func refType(v any) core.TypeName { return core.TypeName(member(v, "_type")) }

func member(v any, name string) string {
	m, _ := v.(map[string]any)
	s, _ := m[name].(string)
	return s
}

// resolveReferences turns references by slug into references by identifier, in the document to come.
func (e *edit) resolveReferences(ctx context.Context) error {
	var wrong []core.FieldError
	for _, f := range e.typ.Refs() {
		for _, v := range everywhere(e.after, f) {
			ref, ok := v.(map[string]any)
			if !ok || (member(ref, "_slug") == "" && member(ref, "_type") != "") {
				continue
			}
			if err := e.resolve(ctx, f, ref); err != nil {
				if onlyFaults(err) != nil {
					return err
				}
				wrong = append(wrong, e.nowhere(f, ref))
			}
		}
	}
	return invalid(wrong)
}

// resolve fills in the identifier, and the type where the field allows one only.
func (e *edit) resolve(ctx context.Context, f *core.Field, ref map[string]any) error {
	name := refType(ref)
	if name == "" && f.Ref != nil && len(f.Ref.Types) == 1 {
		name = f.Ref.Types[0]
		ref["_type"] = string(name)
	}
	slug := member(ref, "_slug")
	if slug == "" { // beside an identifier it is what a patch laid over the old reference: it wins
		return nil
	}
	t, err := e.typeOf(name)
	if err != nil {
		return err
	}
	id, err := e.world.owner(ctx, slugClaim(t, slug))
	if err != nil {
		return err
	}
	if seen, err := e.mayRefer(ctx, t, id); err != nil || !seen {
		return orAbsent(err)
	}
	delete(ref, "_slug")
	ref["_ref"] = string(id)
	return nil
}

func orAbsent(err error) error {
	if err != nil {
		return err
	}
	return core.Errorf(core.CodeNotFound, "There is no such entry.")
}

// mayRefer reports whether there is such an entry that the caller may see: what he may not see cannot be found out
// by referring to it.
func (b *batch) mayRefer(ctx context.Context, t *core.Type, id core.EntryID) (bool, error) {
	if id == "" {
		return false, nil
	}
	there, err := b.world.present(ctx, t.Name, id)
	if err != nil || !there {
		return false, err
	}
	if b.isCaller(t, id) {
		return true, nil
	}
	s, err := b.scopeFor(ctx, t, core.ActionRead)
	if err != nil {
		return false, onlyFaults(err)
	}
	if s.Drafts && s.In(core.StateDraft).Where == nil {
		return true, nil
	}
	target, err := b.world.entry(ctx, t.Name, id)
	if err != nil || target == nil {
		return false, err
	}
	doc, err := parse(target.Latest())
	if err != nil {
		return false, err
	}
	return b.mayReadEntry(ctx, t, target, doc)
}

// isCaller reports whether an entry is the account of the caller, who knows of himself.
func (b *batch) isCaller(t *core.Type, id core.EntryID) bool {
	user := b.who.About["_user"]
	return t.Name == "_user" && len(user) == 1 && user[0] == string(id)
}

// nowhere says that a reference leads nowhere, naming what it asked for.
func (e *edit) nowhere(f *core.Field, v any) core.FieldError {
	name, what := string(refType(v)), member(v, "_slug")
	if what == "" {
		what = string(refID(v))
	}
	return broken(e.pointerOf(f, v), "x-ref", "There is no %s %q to refer to. Create it first, or correct the reference.",
		"Il n’y a pas de %s « %s » à laquelle se référer. Créez-la d’abord, ou corrigez la référence.", name, what)
}

// pointerOf finds where in the document to come a value stands.
func (e *edit) pointerOf(f *core.Field, v any) string {
	want, _ := v.(map[string]any)
	if pointer, ok := findObject(e.after, want); ok {
		return pointer
	}
	return pointerTo(f.Path)
}

func findObject(v any, want map[string]any) (string, bool) {
	switch v := v.(type) {
	case map[string]any:
		if want != nil && jsondoc.Equal(v, want) {
			return "", true
		}
		for name, inner := range v {
			if rest, ok := findObject(inner, want); ok {
				return jsondoc.Pointer(name) + rest, true
			}
		}
	case []any:
		for i, inner := range v {
			if rest, ok := findObject(inner, want); ok {
				return jsondoc.Pointer(strconv.Itoa(i)) + rest, true
			}
		}
	}
	return "", false
}

// claim checks what is new in the document against the other entries: its unique values must be free, and what it
// refers to must be there.
func (e *edit) claim(ctx context.Context) error {
	if e.after == nil {
		return nil
	}
	if err := e.claimValues(ctx, claimsOf(e.typ, e.after)); err != nil {
		return err
	}
	return e.checkReferences(ctx, e.newReferences(), core.CodeInvalid)
}

// claimValues checks that values are free or the entry's own.
func (e *edit) claimValues(ctx context.Context, claims []claim) error {
	var taken []core.FieldError
	for i, c := range claims {
		if slices.Contains(claims[:i], c) {
			continue
		}
		owner, err := e.world.owner(ctx, c)
		if err != nil {
			return err
		}
		if owner != "" && owner != e.id {
			taken = append(taken, broken(pointerTo(c.Field), "unique", "%q is taken by another entry: choose another value.",
				"« %s » est déjà pris par une autre entrée : choisissez une autre valeur.", c.Value))
		}
	}
	if len(taken) == 0 {
		return nil
	}
	err := core.Refuse(core.CodeConflict, "unique", "Another entry has this value already.", "Une autre entrée a déjà cette valeur.")
	err.Fields = taken
	return err
}

// newReferences lists the references of the document to come that the one before did not have.
func (e *edit) newReferences() []reference {
	had := map[core.EntryID]bool{}
	if e.before != nil {
		for _, r := range referencesOf(e.typ, e.before) {
			had[refID(r.value)] = true
		}
	}
	return slices.DeleteFunc(referencesOf(e.typ, e.after), func(r reference) bool { return had[refID(r.value)] })
}

type reference struct {
	field *core.Field
	value any
}

func referencesOf(t *core.Type, doc map[string]any) []reference {
	var refs []reference
	for _, f := range t.Refs() {
		for _, v := range everywhere(doc, f) {
			refs = append(refs, reference{f, v})
		}
	}
	return refs
}

// checkReferences checks that references lead to entries of the allowed types, outside the trash.
func (e *edit) checkReferences(ctx context.Context, refs []reference, code core.Code) error {
	var wrong []core.FieldError
	for _, r := range refs {
		ok, err := e.leadsSomewhere(ctx, r)
		if err != nil {
			return err
		}
		if !ok {
			wrong = append(wrong, e.nowhere(r.field, r.value))
		}
	}
	if err := invalid(wrong); err == nil || code == core.CodeInvalid {
		return err
	}
	err := core.Refuse(code, "references", "It refers to entries that are gone. Restore them first, or change it afterwards.",
		"L’entrée se réfère à des entrées disparues. Restaurez-les d’abord.")
	err.Fields = wrong
	return err
}

func (e *edit) leadsSomewhere(ctx context.Context, r reference) (bool, error) {
	name, id := refType(r.value), refID(r.value)
	if rule := r.field.Ref; rule != nil && len(rule.Types) > 0 && !slices.Contains(rule.Types, name) {
		return false, nil
	}
	if id == e.id && name == e.typ.Name {
		return true, nil // to itself
	}
	t, err := e.typeOf(name)
	if err != nil {
		return false, onlyFaults(err)
	}
	return e.mayRefer(ctx, t, id)
}

// reclaim checks everything that an entry coming back out of the trash lays claim to.
func (e *edit) reclaim(ctx context.Context) error {
	if e.next == nil {
		return nil
	}
	if err := e.refuseSecond(ctx); err != nil {
		return err
	}
	h, err := holding(e.typ, e.next)
	if err != nil {
		return err
	}
	if err := e.claimValues(ctx, append(h.claims, claimsOf(e.typ, e.after)...)); err != nil {
		return err
	}
	refs := referencesOf(e.typ, e.after)
	if e.next.Published != nil {
		published, err := parse(e.next.Published)
		if err != nil {
			return err
		}
		refs = append(refs, referencesOf(e.typ, published)...)
	}
	return e.checkReferences(ctx, refs, core.CodeConflict)
}
