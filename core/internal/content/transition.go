package content

import (
	"context"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

func (e *edit) unschedules() bool {
	return e.op.Op == core.OperationTransition && e.op.Transition == core.Unschedule
}

// permitTransition checks that there is a transition of the name, and the right to it.
func (e *edit) permitTransition(ctx context.Context) (err error) {
	if e.unschedules() {
		e.scope, err = e.scopeFor(ctx, e.typ, core.ActionSchedule)
		return err
	}
	if e.scope, err = e.scopeFor(ctx, e.typ, core.Action(e.op.Transition)); err != nil {
		return err // before the workflow is told of: it tells that there is the type
	}
	if _, _, found := e.typ.Workflow.Transition(e.op.Transition, ""); !found {
		return e.noTransition()
	}
	return nil
}

func (e *edit) noTransition() error {
	names := make([]string, 0, len(e.typ.Workflow.Transitions))
	for _, t := range e.typ.Workflow.Transitions {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return core.Refuse(core.CodeNotFound, "", "There is no transition %q. There are: %s.", "Il n’y a pas de transition « %s ». Il y a : %s.",
		e.op.Transition, strings.Join(append(names, core.Unschedule), ", "))
}

// chooseStep finds the way from the entry's state and checks the rights that this way needs. What is already where it
// would lead stays as it is.
func (e *edit) chooseStep(ctx context.Context) error {
	if e.unschedules() {
		return nil
	}
	if e.op.At != nil {
		return e.chooseLater(ctx)
	}
	return e.choose(ctx, e.op.Transition, e.old)
}

// choose takes the way of a name from an entry's state. When it leads nowhere new, way stays nil.
func (e *edit) choose(ctx context.Context, name string, from *core.Entry) error {
	way, allowed, _ := e.typ.Workflow.Transition(name, from.Status)
	e.way, e.also = nil, nil
	if alreadyThere(e.typ, name, from) {
		return nil
	}
	if !allowed {
		return e.noWay(name, from.Status)
	}
	if err := e.permitWay(ctx, &way); err != nil {
		return err
	}
	e.way = &way
	return nil
}

// alreadyThere reports whether an entry is published as it would be, or not published at all.
func alreadyThere(t *core.Type, name string, from *core.Entry) bool {
	switch effectOf(t, name) {
	case core.EffectPublish:
		return from.Published != nil && from.Draft == nil
	case core.EffectUnpublish:
		return from.Published == nil
	}
	return false
}

func effectOf(t *core.Type, name string) core.Effect {
	for _, way := range t.Workflow.Transitions {
		if way.Name == name {
			return way.Effect
		}
	}
	return core.EffectNone
}

func (e *edit) noWay(name string, from core.Status) error {
	err := core.Refuse(core.CodeConflict, "transition", "There is no way %q from the state %q.", "La transition « %s » n’est pas possible depuis l’état « %s ».", name, string(from))
	err.Extra = map[string]any{"status": string(from), "transitions": waysFrom(e.typ, from)}
	return err
}

func waysFrom(t *core.Type, from core.Status) []string {
	names := []string{}
	for _, way := range t.Workflow.Transitions {
		if _, allowed, _ := t.Workflow.Transition(way.Name, from); allowed && !slices.Contains(names, way.Name) {
			names = append(names, way.Name)
		}
	}
	return names
}

// permitWay checks what one way needs: its own right, those beside it, the roles, and that they cover the entry.
func (e *edit) permitWay(ctx context.Context, way *core.Transition) error {
	if len(way.Roles) > 0 && e.who.Kind != "system" && !slices.ContainsFunc(e.who.Roles, func(r string) bool { return slices.Contains(way.Roles, r) }) {
		return orForbidden(nil, "Your role does not allow this step.", "Votre rôle ne permet pas cette étape.")
	}
	for _, need := range append([]core.Action{core.Action(way.Name)}, way.Needs...) {
		s, err := e.scopeFor(ctx, e.typ, need)
		if err != nil {
			return err
		}
		e.also = append(e.also, s)
		if e.old == nil {
			continue // a new entry is checked as it will be: see stayCovered
		}
		if err := e.covers(ctx, e.typ, e.old, e.before, s); err != nil {
			return err
		}
	}
	return nil
}

// requireFields refuses a step that wants fields filled in first.
func (e *edit) requireFields(context.Context) error {
	doc := e.after
	if doc == nil {
		doc = e.before
	}
	return missing(e.way, doc)
}

func missing(way *core.Transition, doc map[string]any) error {
	if way == nil {
		return nil
	}
	var wrong []core.FieldError
	for _, path := range way.Requires {
		if empty(jsondoc.Values(doc, path)) {
			wrong = append(wrong, broken(pointerTo(path), "required", "This field must be filled in for the step %q.",
				"Ce champ doit être rempli pour l’étape « %s ».", way.Name))
		}
	}
	return invalid(wrong)
}

func empty(values []any) bool {
	return !slices.ContainsFunc(values, func(v any) bool { return v != "" })
}

// step takes the way, or puts it on the schedule.
func (e *edit) step(ctx context.Context) error {
	switch {
	case e.unschedules():
		return e.clearSchedule()
	case e.op.At != nil:
		return e.schedule()
	case e.way == nil:
		return nil
	}
	next := e.moveOn()
	if e.after != nil && !jsondoc.Equal(e.after, e.before) { // a hook changed it
		next.Draft = e.typ.Validator.Encode(e.after)
	}
	e.next = next
	return e.take(next, e.way)
}

// take performs a transition on the state to come.
func (e *edit) take(next *core.Entry, way *core.Transition) error {
	next.Status = way.To
	next.Schedule = e.stillAhead(without(next.Schedule, way.Name), way)
	switch way.Effect {
	case core.EffectPublish:
		publish(next)
	case core.EffectUnpublish:
		next.Draft, next.Published, next.Live = next.Latest(), nil, nil
	}
	return e.keepFormerSlug(e.typ, e.old, next)
}

// stillAhead gives what stays on a schedule after a step: what can still be done from there, one after the other. Who
// sends an entry back to the beginning takes everything off that would carry it forward all the same. An expiry stays.
func (e *edit) stillAhead(list []core.Scheduled, way *core.Transition) []core.Scheduled {
	flow, at := &e.typ.Workflow, way.To
	sentBack := way.Effect == core.EffectNone && way.To == flow.Initial
	return slices.DeleteFunc(list, func(s core.Scheduled) bool {
		_, allowed, _ := flow.Transition(s.Transition, at)
		if s.Effect != core.EffectUnpublish && (sentBack || !allowed) {
			return true
		}
		at = s.To
		return false
	})
}

// publish makes the latest document the published one.
func publish(next *core.Entry) {
	next.Published, next.Draft = next.Latest(), nil
	next.Live = &core.Live{Rev: next.Rev, At: *unstamped()}
	if next.PublishedAt == nil {
		next.PublishedAt = unstamped()
	}
}
