package core

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core/hook"
)

// Hooks are the points at which plugins take part. They fire on editorial intents, never on storage operations.
// Every chain runs after the caller's right to the operation was checked, and before the commit; what must happen
// after the commit follows the log as a Consumer, so it is durable and never tells of what was not committed.
//
// The events of one write run in the order: EntryValidate around everything, then the chain of the intent; then the
// document is validated again and the final set of fields is authorised, whatever the handlers did.
type Hooks struct {
	// EntryValidate runs for every new document. Handlers may change New and add Errors.
	EntryValidate hook.Chain[*EntryEvent]
	// EntryCreate, EntryUpdate and EntryRestore may change New or refuse.
	EntryCreate, EntryUpdate, EntryRestore hook.Chain[*EntryEvent]
	// EntryPublish and EntryUnpublish may change New or refuse; EntryTransition is every other move in the
	// workflow, EntrySchedule a move at a later time. They may refuse.
	EntryPublish, EntryUnpublish, EntryTransition, EntrySchedule hook.Chain[*EntryEvent]
	// EntryDelete and EntryPurge may refuse.
	EntryDelete, EntryPurge hook.Chain[*EntryEvent]
	// EntryRead runs for each answer with entries, whole pages at once. Handlers may add to the answers' Extra or take
	// fields out; never change what is stored.
	EntryRead hook.Chain[*ReadEvent]
	// QueryPlan may add conditions to Query.Where (they are ANDed) or refuse.
	QueryPlan hook.Chain[*QueryEvent]
	// SchemaChange may refuse a change of a type.
	SchemaChange hook.Chain[*SchemaEvent]
	// Offered are the events that plugins offer each other. They are the plugins' own: nothing of the core runs them.
	Offered OfferedHooks
}

// OfferedHooks are chains by the name of their event. The zero value is empty and ready.
type OfferedHooks struct {
	// Report is told of every fault. Set it before the first chain is asked for.
	Report func(*hook.Fault)

	mu     sync.Mutex
	chains map[string]OfferedChain
}

// OfferedChain is what is known of such a chain without knowing its event.
type OfferedChain interface {
	Remove(plugin string)
	Places() []hook.Placed
	Place(stages map[string]hook.Stage) error
	CanPlace(stages map[string]hook.Stage) error
}

// Chain gives the chain of an event, which make makes when there is none yet.
func (o *OfferedHooks) Chain(name string, make func(report func(*hook.Fault)) OfferedChain) OfferedChain {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.chains == nil {
		o.chains = map[string]OfferedChain{}
	}
	if o.chains[name] == nil {
		o.chains[name] = make(o.Report)
	}
	return o.chains[name]
}

// All gives every chain by the name of its event.
func (o *OfferedHooks) All() map[string]OfferedChain {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.chains)
}

// EntryEvent is one wanted change of one entry.
type EntryEvent struct {
	Name       string // "entry.create"
	Actor      *Principal
	Type       *Type
	ID         EntryID
	Old        map[string]any // the latest document before; nil on create. Not to be changed
	New        map[string]any // the document after; nil on delete and purge
	Entry      *Entry         // the whole state before; nil on create. Not to be changed
	Transition string
	At         *time.Time
	Errors     []FieldError // EntryValidate: what else is wrong
	Warnings   []FieldError // what is odd, and no reason to refuse: the writer is told of it
}

// ReadEvent is a page of entries about to be shown.
type ReadEvent struct {
	Name  string // "entry.read"
	Actor *Principal
	Type  *Type
	State State
	Views []View           // not to be changed
	Extra []map[string]any // one for each view: members to add to the answer, or with nil to take out
	// Lacking says that a handler was passed over: the answer is good for a moment only.
	Lacking bool
}

// QueryEvent is a query about to be answered.
type QueryEvent struct {
	Name   string // "query.plan"
	Actor  *Principal
	Type   *Type
	Query  Query // not to be changed
	Narrow []Node
}

// SchemaEvent is a change of a type about to be applied.
type SchemaEvent struct {
	Name     string // "schema.change"
	Actor    *Principal
	Old, New *Type // Old is nil for a new type
}

// HookFigures is how the calls of one kind of a plugin's code went on this node since it started.
type HookFigures struct {
	Plugin, Hook  string
	Calls, Errors int64
	Took          time.Duration // all calls together
}

// OfHook words what came out of a chain for the caller: of a plugin's fault he hears which one it was, and no more. A refusal
// and what went wrong in the operation itself stay as they are.
func OfHook(err error) error {
	var fault *hook.Fault
	if !errors.As(err, &fault) {
		return err
	}
	e := Refuse(CodeInternal, "plugin_failed", "The plugin %s failed. Try again, or tell an administrator.",
		"L’extension %s a échoué. Réessayez, ou prévenez un administrateur.", fault.Plugin)
	e.Extra, e.Err = map[string]any{"plugin": fault.Plugin, "hook": fault.Hook}, fault
	return e
}
