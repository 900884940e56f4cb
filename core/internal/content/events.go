package content

import (
	"context"
	"errors"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// link is a chain of hooks under the name of its event.
type link struct {
	name  string
	chain *hook.Chain[*core.EntryEvent]
}

// offer is what the hooks were given, and what was wrong with it before they saw it.
type offer struct {
	doc   map[string]any
	wrong []core.FieldError
}

// runHooks lets plugins change the document to come or refuse. A write that has to be prepared anew runs them anew:
// what they do beside changing the event belongs into a consumer of the log.
func (e *edit) runHooks(ctx context.Context) error {
	e.hooksRan = true
	links := slices.DeleteFunc(e.links(), func(l link) bool { return l.chain.Empty() })
	if len(links) == 0 {
		return nil
	}
	ctx, err := deeper(ctx, links[0].name)
	if err != nil {
		return err
	}
	e.offered = &offer{doc: e.after}
	if e.after != nil {
		if e.offered.wrong, err = e.judge(e.after); err != nil {
			return err
		}
	}
	event := e.event()
	if err := through(ctx, links, event); err != nil {
		return fromHook(err)
	}
	e.errors, e.warnings = event.Errors, e.asSent(event.Warnings)
	return e.takeNew(event)
}

// takeNew takes over the document that the hooks have left, where they may change it.
func (e *edit) takeNew(event *core.EntryEvent) error {
	switch {
	case e.after != nil && event.New == nil:
		return pluginFailed(&hook.Fault{Plugin: "unknown", Hook: event.Name, Err: errors.New("took the document away")})
	case e.after != nil:
		e.after = event.New
	case e.changesDocuments() && event.New != nil && !jsondoc.Equal(event.New, e.before):
		e.after = event.New
	}
	return nil
}

// changesDocuments reports whether a transition moves documents now, so that its hooks may change them.
func (e *edit) changesDocuments() bool {
	return e.op.Op == core.OperationTransition && e.op.At == nil && e.way != nil && e.way.Effect != core.EffectNone
}

// links are the chains that an operation runs through, the outermost first.
func (e *edit) links() []link {
	h := e.c.hooks
	var list []link
	switch e.op.Op {
	case core.OperationCreate:
		list = []link{{"entry.validate", &h.EntryValidate}, {"entry.create", &h.EntryCreate}}
	case core.OperationUpdate, core.OperationReplace:
		list = []link{{"entry.validate", &h.EntryValidate}, {"entry.update", &h.EntryUpdate}}
	case core.OperationRestore:
		list = []link{{"entry.validate", &h.EntryValidate}, {"entry.restore", &h.EntryRestore}}
	case core.OperationDelete:
		return []link{{"entry.delete", &h.EntryDelete}}
	case core.OperationPurge:
		return []link{{"entry.purge", &h.EntryPurge}}
	}
	if e.op.Op == core.OperationTransition && (e.op.At != nil || e.unschedules()) {
		return append(list, link{"entry.schedule", &h.EntrySchedule})
	}
	if e.way == nil {
		return list
	}
	switch e.way.Effect {
	case core.EffectPublish:
		return append(list, link{"entry.publish", &h.EntryPublish})
	case core.EffectUnpublish:
		return append(list, link{"entry.unpublish", &h.EntryUnpublish})
	}
	return append(list, link{"entry.transition", &h.EntryTransition})
}

// event is what the handlers see. They may change New in place, so every document in it is their own copy.
func (e *edit) event() *core.EntryEvent {
	ev := &core.EntryEvent{Actor: e.who, Type: e.typ, ID: e.id, Entry: e.old, At: e.op.At, Transition: e.op.Transition}
	if e.before != nil {
		ev.Old = jsondoc.CloneObject(e.before)
	}
	switch {
	case e.after != nil:
		ev.New = jsondoc.CloneObject(e.after)
	case e.op.Op == core.OperationTransition:
		ev.New = jsondoc.CloneObject(e.before)
	}
	if e.way != nil {
		ev.Transition = e.way.Name
	}
	return ev
}

// through runs the chains one inside the other.
func through(ctx context.Context, links []link, event *core.EntryEvent) error {
	if len(links) == 0 {
		return nil
	}
	outer := event.Name
	event.Name = links[0].name
	defer func() { event.Name = outer }()
	return links[0].chain.Run(ctx, event, func(ctx context.Context) error {
		defer func() { event.Name = links[0].name }()
		return through(ctx, links[1:], event)
	})
}

// fromHook words what came out of a chain: a refusal is the caller's to read, a fault is ours.
func fromHook(err error) error {
	if known, ok := core.AsError(err); ok && known.Reason == reasonDepth {
		return known
	}
	var fault *hook.Fault
	if errors.As(err, &fault) {
		return pluginFailed(fault)
	}
	if _, ok := core.AsError(err); ok || errors.Is(err, context.Canceled) {
		return err
	}
	return &core.Error{Code: core.CodeInvalid, Reason: "refused", Message: err.Error(), Err: err}
}

// ofPlugin words an error of a plugin's function that is no handler of a chain.
func ofPlugin(err error) error {
	if err == nil {
		return nil
	}
	var fault *core.PluginFault
	if errors.As(err, &fault) {
		return pluginFailed(&hook.Fault{Plugin: fault.Plugin, Hook: fault.Where, Err: fault.Err})
	}
	return fromHook(err)
}

func pluginFailed(fault *hook.Fault) error {
	err := core.Refuse(core.CodeInternal, "plugin_failed", "The plugin %s failed, so nothing was changed. Try again, or tell an administrator.",
		"L’extension %s a échoué : rien n’a été modifié. Réessayez, ou prévenez un administrateur.", fault.Plugin)
	err.Extra = map[string]any{"plugin": fault.Plugin, "hook": fault.Hook}
	err.Err = fault
	return err
}

const reasonDepth = "hook_depth"

// trailKey is the context's key of the events that led to a write, the outermost first.
type trailKey struct{}

// deeper notes in ctx that hooks are running, so that a hook that writes what a hook writes comes to an end.
func deeper(ctx context.Context, event string) (context.Context, error) {
	trail, _ := ctx.Value(trailKey{}).([]string)
	if len(trail) >= maxDepth {
		err := core.Refuse(core.CodeInternal, reasonDepth, "Plugins keep setting each other off (%s), so nothing was changed. Tell an administrator.",
			"Des extensions se déclenchent l’une l’autre (%s) : rien n’a été modifié. Prévenez un administrateur.", joined(append(trail, event)))
		return ctx, err
	}
	return context.WithValue(ctx, trailKey{}, append(slices.Clone(trail), event)), nil
}

// nested reports whether ctx is that of a hook.
func nested(ctx context.Context) bool { return ctx.Value(trailKey{}) != nil }

func joined(trail []string) string {
	s := ""
	for i, name := range trail {
		if i > 0 {
			s += " → "
		}
		s += name
	}
	return s
}
