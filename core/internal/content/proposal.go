package content

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/palabre-cms/palabre/core"
)

// proposal is a prepared write on its way through the writer.
type proposal struct {
	id     string // of the commit that it becomes: how it is recognised in the log
	by     string
	reason string
	origin *core.Origin // nil for what came from nowhere
	key    *core.Key
	steps  []change
	bytes  int
	from   core.Position // the catalog's position before the first question
	notes  map[question]string
	types  map[core.TypeName]*core.Type

	stage atomic.Int32 // waiting, taken or withdrawn
	gone  atomic.Bool  // the proposer has stopped waiting for what the writer has taken
	done  chan outcome // holds one
}

// The stages of a proposal. Only one that is still waiting can be withdrawn, and then nothing of it will ever be
// written.
const (
	waiting int32 = iota
	taken
	withdrawn
)

type outcome struct {
	commit *core.Commit
	err    error
}

func (b *batch) proposal(from *core.Origin) *proposal {
	return &proposal{id: string(core.NewID(b.now)), by: b.who.ID, reason: b.reason(), origin: from, key: b.options.Key, steps: b.steps, bytes: b.bytes,
		from: b.from, notes: b.notes.notes, types: b.types, done: make(chan outcome, 1)}
}

func (b *batch) reason() string {
	if b.options.Reason != "" {
		return b.options.Reason
	}
	return string(b.steps[0].Action)
}

func (p *proposal) answer(commit *core.Commit, err error) { p.done <- outcome{commit, err} }

// stands asks again, of what is now, what the write was prepared on. It gives moved for the first answer that is
// another one.
func (p *proposal) stands(ctx context.Context, types core.Types, now world) error {
	for name, t := range p.types {
		if is, ok := types.Type(name); !ok || is.Hash != t.Hash {
			return &moved{question{about: "type", typ: name}}
		}
	}
	for q, was := range p.notes {
		is, err := q.ask(ctx, now)
		if err != nil {
			return err
		}
		if is != was {
			return &moved{q}
		}
	}
	return nil
}

// lay puts the proposal's changes over a world, for those after it in the group.
func (p *proposal) lay(o *overlay) {
	for i := range p.steps {
		o.put(p.steps[i].after)
	}
	if p.key != nil {
		o.keys[p.key.Hash] = true
	}
}

// TypeOfTypes is the system type whose entries are the content types.
const TypeOfTypes core.TypeName = "_type"

// redefines reports whether the proposal changes a content type, or who may do what: then nothing after it can be judged
// before the catalog has it.
func (p *proposal) redefines() bool {
	for i := range p.steps {
		if name := p.steps[i].Type; name == TypeOfTypes || slices.Contains(typesOfRights, name) {
			return true
		}
	}
	return false
}
