package content

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// edit is one operation on its way through the stages.
type edit struct {
	*batch
	op     core.Operation
	typ    *core.Type
	id     core.EntryID
	old    *core.Entry // the state before, nil when there is none
	rev    int64       // the revision that the caller can have seen
	upsert bool        // the operation was an upsert

	scope    *core.Scope    // what the caller may do under the operation's action
	also     []*core.Scope  // what he may do under the other actions that the way needs
	shown    *core.Scope    // what he is shown of the entry before; nil for nothing
	before   map[string]any // the latest document before; nil when there is none. Not to be changed
	after    map[string]any // the latest document to come
	filled   []string       // fields that the system gave a value that the caller did not send
	made     madeSlug
	hooksRan bool // it is their turn no more
	offered  *offer
	computed map[string]any // the document to come, as it was when its computed fields were filled
	errors   []core.FieldError
	warnings []core.FieldError
	way      *core.Transition // the transition to make, also of an edit that publishes
	next     *core.Entry      // the state to come; nil when nothing changes
	victims  []*victim
	detached []*detachment
}

// identify looks up what the operation names, and notes which version of the type it was prepared with.
func (e *edit) identify() error {
	switch e.op.Op {
	case core.OperationCreate, core.OperationUpdate, core.OperationReplace, core.OperationUpsert, core.OperationTransition,
		core.OperationDelete, core.OperationPurge, core.OperationRestore, core.OperationReassign, core.OperationErase, core.OperationRedact:
	default:
		return core.Refuse(core.CodeBadRequest, "", "There is no operation %q. There are: create, update, replace, upsert, transition, delete, purge and restore.",
			"Il n’y a pas d’opération « %s ». Il y a : create, update, replace, upsert, transition, delete, purge et restore.", string(e.op.Op))
	}
	t, err := e.typeOf(e.op.Type)
	e.typ, e.id = t, e.op.ID
	if err == nil && e.restoresByName() {
		e.op.Op, e.op.Transition, e.op.Rev = core.OperationRestore, "", 0 // never of a revision: those who stand before this judge that by its name
	}
	if err == nil && e.op.At != nil && (e.op.Op != core.OperationTransition || e.unschedules()) {
		return invalid([]core.FieldError{broken("/at", "schedule", "Only a transition of the workflow can be put off to a time: leave it out.",
			"Seule une transition du workflow peut être programmée : retirez ce moment.")})
	}
	return err
}

// restoresByName reports whether a transition is the way out of the trash, which addresses write as a transition too.
func (e *edit) restoresByName() bool {
	if e.op.Op != core.OperationTransition || e.op.Transition != string(core.ActionRestore) {
		return false
	}
	_, _, own := e.typ.Workflow.Transition(e.op.Transition, "")
	return !own
}

func (b *batch) typeOf(name core.TypeName) (*core.Type, error) {
	if t := b.types[name]; t != nil {
		return t, nil
	}
	t, ok := b.c.types.Type(name)
	if !ok {
		return nil, core.NoType(name)
	}
	b.types[name] = t
	return t, nil
}

func (e *edit) action() core.Action { return e.op.Action() }

// creates reports whether the operation makes a new entry.
func (e *edit) creates() bool { return e.op.Op == core.OperationCreate }

// find loads the entry, or for a new one sees to its identifier.
func (e *edit) find(ctx context.Context) error {
	if e.creates() {
		return e.findPlace(ctx)
	}
	old, rev, err := e.load(ctx, e.typ, e.id)
	if err != nil {
		return err
	}
	if old == nil || (old.Trashed() && !e.reachesTrash()) {
		return noEntry(e.typ, e.id)
	}
	e.old, e.rev = old, rev
	e.before, err = parse(old.Latest())
	return err
}

// reachesTrash reports whether the operation is one for entries in the trash too.
func (e *edit) reachesTrash() bool {
	return e.op.Migrate != nil || e.op.Op == core.OperationPurge || (e.op.Op == core.OperationRestore && e.op.Rev == 0)
}

func parse(doc core.Doc) (map[string]any, error) {
	m, err := jsondoc.ParseObject(doc)
	return m, core.Wrap("content.parse", err)
}

// noEntry is the one error for an entry that is not there, or not for this caller.
func noEntry(t *core.Type, id core.EntryID) error {
	return core.Refuse(core.CodeNotFound, "", "There is no %s with the identifier %q. It may be in the trash.",
		"Il n’y a pas de %s avec l’identifiant « %s ». L’entrée est peut-être dans la corbeille.", string(t.Name), string(id))
}

// findPlace checks that a new entry can be made.
func (e *edit) findPlace(ctx context.Context) error {
	if e.id == "" {
		e.id = core.NewID(e.now)
		return e.refuseSecond(ctx)
	}
	if !core.ValidID(string(e.id)) {
		return core.Refuse(core.CodeInvalid, "", "%q is no identifier: leave it out, and one is made.", "« %s » n’est pas un identifiant : sans lui, il en sera créé un.", string(e.id))
	}
	taken, err := e.world.holder(ctx, e.id) // of whatever type: an identifier names one entry of all
	if err != nil {
		return err
	}
	if taken != "" {
		return core.Refuse(core.CodeConflict, "exists", "There is already an entry with the identifier %q.", "Il y a déjà une entrée avec l’identifiant « %s ».", string(e.id))
	}
	return e.refuseSecond(ctx)
}

// refuseSecond keeps a singleton single.
func (e *edit) refuseSecond(ctx context.Context) error {
	if !e.typ.Singleton {
		return nil
	}
	id, err := e.world.sole(ctx, e.typ.Name)
	if err != nil || id == "" || id == e.id {
		return err
	}
	return core.Refuse(core.CodeConflict, "singleton", "There can be one %s only, and there is one: change it instead.",
		"Il ne peut y avoir qu’une entrée de type « %s », et elle existe : modifiez-la.", string(e.typ.Name))
}

// load gives an entry as it stands at the store's time. What was due and not yet recorded is recorded first, as
// changes of its own. rev is the revision that readers see until then.
func (b *batch) load(ctx context.Context, t *core.Type, id core.EntryID) (e *core.Entry, rev int64, err error) {
	if e, err = b.world.entry(ctx, t.Name, id); e == nil || err != nil {
		return nil, 0, err
	}
	rev = e.Rev
	e, err = b.performDue(t, e)
	return e, rev, err
}

// mustMatch reports whether the change must name the revision that it is made on.
func (e *edit) mustMatch() bool {
	return e.who.Kind != "system" && (e.typ.MatchAlways || (e.options.RequireMatch && !e.upsert))
}

// matchRevision refuses a change of what the caller has not seen.
func (e *edit) matchRevision(ctx context.Context) error {
	switch {
	case e.old == nil:
		return nil
	case e.op.IfMatch == 0 && e.mustMatch():
		return core.Refuse(core.CodePrecondition, "if_match", "This change must name the revision that it is made on: send If-Match with the entry's _rev.",
			"Cette modification doit nommer la révision dont elle part : envoyez If-Match avec le _rev de l’entrée.")
	case e.op.IfMatch == 0 || e.op.IfMatch == e.rev:
		return nil
	}
	return e.stale(ctx)
}

// stale says what has moved since the caller's revision, as far as he may read it.
func (e *edit) stale(ctx context.Context) error {
	err := core.Refuse(core.CodeStale, "", "The entry is at revision %d: somebody has changed it since. Read it again, and make the change on what it is now.",
		"L’entrée en est à la révision %d : elle a été modifiée entre-temps. Relisez-la, puis refaites la modification.", e.rev)
	err.Extra = map[string]any{"rev": e.rev}
	if was, readErr := e.c.Revision(ctx, e.typ.Name, e.id, e.op.IfMatch); readErr == nil {
		if then, parseErr := parse(was.Latest()); parseErr == nil {
			err.Extra["fields"] = e.readable(ctx, changedPaths(e.typ, then, e.before))
		}
	}
	return err
}

func (e *edit) readable(ctx context.Context, paths []string) []string {
	shown, err := e.shows(ctx)
	if err != nil || shown == nil {
		return []string{}
	}
	return slices.DeleteFunc(paths, func(path string) bool { return !shown.Readable(e.typ, path) })
}

// refuseFrozen refuses to edit in a state that is for looking only.
func (e *edit) refuseFrozen(context.Context) error {
	if e.old == nil {
		return nil
	}
	state, _ := e.typ.Workflow.State(e.old.Status)
	if !state.Frozen {
		return nil
	}
	err := core.Refuse(core.CodeConflict, "frozen", "The entry cannot be edited in the state “%s”. Move it on, or back, first.",
		"L’entrée ne peut pas être modifiée dans l’état « %s ». Faites-la d’abord avancer ou revenir.", state.Label.In("en"))
	err.Texts["fr"] = "L’entrée ne peut pas être modifiée dans l’état « " + state.Label.In("fr") + " ». Faites-la d’abord avancer ou revenir."
	return err
}

// moveOn makes the state to come out of the state before: a revision later, by this caller.
func (e *edit) moveOn() *core.Entry {
	next := &core.Entry{Type: e.typ.Name, ID: e.id, Meta: core.Meta{Status: e.typ.Workflow.Initial, CreatedBy: e.who.ID}}
	if e.old != nil {
		copied := *e.old
		next = &copied
	}
	next.Rev++
	next.UpdatedBy = e.who.ID
	next.UpdatedAt = *unstamped()
	return next
}

// record adds the change to the batch, or notes that nothing changed.
func (e *edit) record(context.Context) error {
	it := item{core.ResultItem{Type: e.typ.Name, ID: e.id, Action: e.action(), Entry: e.old, Created: e.old == nil, Warnings: e.warnings}, -1}
	if e.next != nil {
		ch := core.ChangeTo(e.old, e.next, e.action())
		ch.Comment = e.op.Comment
		if err := e.add(e.typ, e.old, e.next, ch); err != nil {
			return err
		}
		it.Changed, it.at = true, len(e.steps)-1
	}
	e.items = append(e.items, it)
	return nil
}
