package content

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/computed"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// What x-ref's onDelete may say.
const (
	onDeleteNull    = "null"
	onDeleteCascade = "cascade"
)

// namedReferrers is how many of those that forbid a deletion are named.
const namedReferrers = 5

// victim is an entry that a deletion takes away.
type victim struct {
	typ *core.Type
	old *core.Entry
	doc map[string]any // the latest document
}

// detachment is an entry that lets go of what is deleted.
type detachment struct {
	ref  core.Reference
	to   core.EntryID
	rule string
}

// gatherVictims walks from the entry along the references that lead to it: what goes with it, what lets go of it, and
// what forbids the whole.
func (e *edit) gatherVictims(ctx context.Context) error {
	gone := map[core.EntryID]bool{}
	first := &victim{e.typ, e.old, e.before}
	var restricting []detachment
	for queue := []*victim{first}; len(queue) > 0; queue = queue[1:] {
		v := queue[0]
		if gone[v.old.ID] {
			continue
		}
		gone[v.old.ID] = true
		if e.victims = append(e.victims, v); len(e.victims) > maxReferrers {
			return tooManyReferrers()
		}
		more, kept, err := e.follow(ctx, v)
		if err != nil {
			return err
		}
		queue, restricting = append(queue, more...), append(restricting, kept...)
	}
	return e.sortOut(ctx, restricting, gone)
}

// follow parts those that refer to a victim: more victims, and those that stay, with the rule of their reference.
func (e *edit) follow(ctx context.Context, v *victim) (more []*victim, kept []detachment, err error) {
	refs, err := e.world.referrers(ctx, v.old.ID)
	if err != nil {
		return nil, nil, err
	}
	for _, ref := range refs {
		rule, err := e.ruleOf(ref)
		if err != nil {
			return nil, nil, err
		}
		if rule != onDeleteCascade {
			kept = append(kept, detachment{ref, v.old.ID, rule})
			continue
		}
		if len(more) == maxReferrers {
			return nil, nil, tooManyReferrers()
		}
		next, err := e.victimOf(ctx, ref)
		if err != nil {
			return nil, nil, err
		}
		more = append(more, next)
	}
	return more, kept, nil
}

func tooManyReferrers() error {
	return core.Refuse(core.CodeTooLarge, "", "More than %d entries would change with it. Take the references away in steps first.",
		"Plus de %d entrées changeraient avec elle. Retirez d’abord les références par étapes.", maxReferrers)
}

func (b *batch) ruleOf(ref core.Reference) (string, error) {
	t, err := b.typeOf(ref.Type)
	if err != nil {
		return "", err
	}
	f, ok := t.Field(ref.Field)
	if !ok || f.Ref == nil {
		return "restrict", nil
	}
	return f.Ref.OnDelete, nil
}

// victimOf loads an entry that goes with another: the caller needs the right to delete it as well, unless it is
// Palabre's own, as the sessions of an account.
func (e *edit) victimOf(ctx context.Context, ref core.Reference) (*victim, error) {
	t, err := e.typeOf(ref.Type)
	if err != nil {
		return nil, err
	}
	s := &core.Scope{}
	if !t.Name.System() {
		if s, err = e.scopeFor(ctx, t, e.action()); err != nil {
			return nil, err
		}
	}
	old, _, err := e.load(ctx, t, ref.ID)
	if err != nil || old == nil {
		return nil, orMoved(err, question{about: "entry", typ: ref.Type, id: ref.ID})
	}
	doc, err := parse(old.Latest())
	if err != nil {
		return nil, err
	}
	return &victim{t, old, doc}, e.covers(ctx, t, old, doc, s)
}

// sortOut decides on those that stay: references that may let go do, any other forbids the deletion.
func (e *edit) sortOut(ctx context.Context, kept []detachment, gone map[core.EntryID]bool) error {
	var forbidding []core.Reference
	for i := range kept {
		d := &kept[i]
		switch {
		case gone[d.ref.ID]:
		case d.rule == onDeleteNull:
			e.detached = append(e.detached, d)
		default:
			forbidding = append(forbidding, d.ref)
		}
	}
	if len(forbidding) > 0 {
		return e.referredTo(ctx, forbidding)
	}
	if len(e.detached) > maxReferrers {
		return tooManyReferrers()
	}
	return nil
}

// referredTo names the entries that forbid a deletion, of those that the caller may see.
func (e *edit) referredTo(ctx context.Context, refs []core.Reference) error {
	slices.SortFunc(refs, func(a, b core.Reference) int {
		return strings.Compare(string(a.Type)+string(a.ID)+a.Field, string(b.Type)+string(b.ID)+b.Field)
	})
	refs = slices.CompactFunc(refs, func(a, b core.Reference) bool { return a.Type == b.Type && a.ID == b.ID })
	named := []map[string]any{}
	for _, ref := range refs {
		if line := e.nameReferrer(ctx, ref); line != nil {
			named = append(named, line)
		}
	}
	err := core.Refuse(core.CodeConflict, "references", "Other entries refer to it (%d): take the references away first.",
		"D’autres entrées s’y réfèrent (%d) : retirez d’abord ces références.", len(named))
	if len(named) == 0 {
		err = core.Refuse(core.CodeConflict, "references", "Entries that are not yours to see refer to it: ask an administrator.",
			"Des entrées que vous ne pouvez pas voir s’y réfèrent : adressez-vous à l’administration.")
	}
	err.Extra = map[string]any{"references": named[:min(len(named), namedReferrers)], "total": len(named)}
	return err
}

func (e *edit) nameReferrer(ctx context.Context, ref core.Reference) map[string]any {
	t, err := e.typeOf(ref.Type)
	if err != nil {
		return nil
	}
	old, err := e.world.entry(ctx, ref.Type, ref.ID)
	if err != nil || old == nil {
		return nil
	}
	doc, err := parse(old.Latest())
	if err != nil {
		return nil
	}
	if seen, err := e.mayReadEntry(ctx, t, old, doc); err != nil || !seen {
		return nil
	}
	line := map[string]any{"type": string(ref.Type), "id": string(ref.ID), "field": ref.Field}
	if title, ok := jsondoc.Lookup(doc, t.TitleField); ok && t.TitleField != "" {
		line["title"] = title
	}
	return line
}

// removeVictims runs the hooks of each and takes it away.
func (e *edit) removeVictims(ctx context.Context) error {
	for i, v := range e.victims {
		one := &edit{batch: e.batch, op: e.op, typ: v.typ, id: v.old.ID, old: v.old, before: v.doc}
		if err := one.runHooks(ctx); err != nil {
			return err
		}
		if err := one.remove(); err != nil {
			return err
		}
		if i == 0 {
			e.addRemoved(one)
		}
	}
	return nil
}

// addRemoved adds the result of the operation's own entry; what goes with it is in the commit only.
func (e *edit) addRemoved(own *edit) {
	it := item{core.ResultItem{Type: e.typ.Name, ID: e.id, Action: e.action(), Changed: true}, len(e.steps) - 1}
	if own.op.Op == core.OperationDelete {
		it.Entry = own.next
	}
	e.items = append(e.items, it)
}

// remove puts the entry into the trash, or purges it.
func (e *edit) remove() error {
	next := e.moveOn()
	next.Schedule = nil
	if e.op.Op == core.OperationPurge {
		return e.add(e.typ, e.old, nil, core.Change{Type: e.typ.Name, Entry: e.id, Op: core.OpPurge, Action: core.ActionPurge, Meta: next.Meta, Comment: e.op.Comment})
	}
	next.TrashedAt = unstamped()
	e.next = next
	ch := core.ChangeTo(e.old, next, core.ActionDelete)
	ch.Comment = e.op.Comment
	return e.add(e.typ, e.old, next, ch)
}

// detachReferrers takes the references out of the entries that let go, drafts and published documents alike.
func (e *edit) detachReferrers(ctx context.Context) error {
	for len(e.detached) > 0 {
		id := e.detached[0].ref.ID
		var own, others []*detachment
		for _, d := range e.detached {
			if d.ref.ID == id {
				own = append(own, d)
			} else {
				others = append(others, d)
			}
		}
		if err := e.detach(ctx, own); err != nil {
			return err
		}
		e.detached = others
	}
	return nil
}

// detach makes one change of all that one entry lets go of.
func (e *edit) detach(ctx context.Context, from []*detachment) error {
	ref := from[0].ref
	t, err := e.typeOf(ref.Type)
	if err != nil {
		return err
	}
	old, _, err := e.load(ctx, t, ref.ID)
	if err != nil || old == nil {
		return orMoved(err, question{about: "entry", typ: ref.Type, id: ref.ID})
	}
	one := &edit{batch: e.batch, op: e.op, typ: t, id: ref.ID, old: old}
	next := one.moveOn()
	for _, side := range []*core.Doc{&next.Draft, &next.Published} {
		if *side, err = e.letGo(ctx, t, *side, from); err != nil {
			return err
		}
	}
	if next.Live != nil && !bytes.Equal(old.Published, next.Published) {
		next.Live = &core.Live{Rev: next.Rev, At: next.Live.At}
	}
	return e.add(t, old, next, core.ChangeTo(old, next, core.ActionDetach))
}

// letGo takes references out of a document. One that its type does not allow to be without them forbids the deletion.
func (e *edit) letGo(ctx context.Context, t *core.Type, text core.Doc, from []*detachment) (core.Doc, error) {
	if text == nil {
		return nil, nil
	}
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	for _, d := range from {
		takeOut(doc, d.to)
	}
	if _, err := computed.Fill(ctx, t, from[0].ref.ID, doc); err != nil {
		return nil, ofPlugin(err)
	}
	if len(t.Validator.Validate(doc)) > 0 {
		return nil, e.referredTo(ctx, []core.Reference{from[0].ref})
	}
	return t.Validator.Encode(doc), nil
}

// takeOut removes every reference to an entry from a value, and reports whether the value itself is one.
func takeOut(v any, to core.EntryID) bool {
	switch v := v.(type) {
	case map[string]any:
		if refID(v) == to {
			return true
		}
		for name, inner := range v {
			if list, ok := inner.([]any); ok {
				v[name] = slices.DeleteFunc(list, func(item any) bool { return takeOut(item, to) })
			} else if takeOut(inner, to) {
				delete(v, name)
			}
		}
	case []any:
		for i, inner := range v { // lists in lists hold their length
			if takeOut(inner, to) {
				v[i] = nil
			}
		}
	}
	return false
}

// untrash makes the state to come of an entry that comes back: as it was.
func (e *edit) untrash(context.Context) error {
	if !e.old.Trashed() {
		return core.Refuse(core.CodeConflict, "not_trashed", "The entry is not in the trash: there is nothing to restore.", "L’entrée n’est pas dans la corbeille : il n’y a rien à restaurer.")
	}
	e.next = e.moveOn()
	e.next.TrashedAt = nil
	e.after = jsondoc.CloneObject(e.before)
	return nil
}
