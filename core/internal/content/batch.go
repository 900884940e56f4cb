package content

import (
	"context"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The limits of one Write. MaxCommitBytes stands in core.
const (
	maxOperations = 10_000
	maxChanges    = 20_000
	maxDepth      = 5 // writes of hooks within writes
)

// changeOverhead is what a change weighs beside its documents, roughly.
const changeOverhead = 512

// batch is a list of operations on their way to become one commit.
type batch struct {
	c       *Content
	who     *core.Principal
	options core.WriteOptions
	now     time.Time     // the store's clock
	from    core.Position // what the catalog had applied before the first question
	notes   *recorder
	world   *overlay
	types   map[core.TypeName]*core.Type // those that were used
	steps   []change
	items   []item
	bytes   int
	scopes  map[scopeKey]scopeAnswer
}

// change is a change and the state that it leads to.
type change struct {
	core.Change
	after *held
}

// item is the result of an operation that is not committed yet: at is the index of the step that holds its entry's last
// state, -1 when nothing changed.
type item struct {
	core.ResultItem
	at int
}

// begin starts a batch at what the catalog has now.
func (c *Content) begin(ctx context.Context, who *core.Principal, o core.WriteOptions) (*batch, error) {
	notes := newRecorder(c.stored)
	who, err := c.renewed(ctx, who, notes)
	if err != nil {
		return nil, err
	}
	b := &batch{c: c, who: who, options: o, now: c.clock.now(), from: c.catalog.Position(), notes: notes, world: newOverlay(notes),
		types: map[core.TypeName]*core.Type{}, scopes: map[scopeKey]scopeAnswer{}}
	if o.Key != nil {
		if used, err := notes.used(ctx, o.Key.Hash); used || err != nil {
			return nil, orMoved(err, question{about: "used", key: o.Key.Hash})
		}
	}
	return b, nil
}

// renewed is who the caller is by now, noted so that the writer asks again: between a request and its commit an account may
// be suspended or lose a role.
func (c *Content) renewed(ctx context.Context, who *core.Principal, notes *recorder) (*core.Principal, error) {
	r, ok := c.access.(core.Renewer)
	if !ok || who.Kind == core.System.Kind {
		return who, nil
	}
	notes.rights()
	return r.Renew(ctx, who)
}

// add records a change of an entry: old is its state in the batch so far, nil when it is new; next is the state to come,
// nil when it is purged.
func (b *batch) add(t *core.Type, old, next *core.Entry, ch core.Change) error {
	after := &held{typ: ch.Type, id: ch.Entry}
	if next != nil {
		var err error
		if after, err = holding(t, next); err != nil {
			return err
		}
	}
	if err := checkSize(ch); err != nil {
		return err
	}
	b.world.put(after)
	b.steps = append(b.steps, change{ch, after})
	b.bytes += weight(ch)
	return b.checkLimits()
}

func weight(ch core.Change) int { return len(ch.Draft) + len(ch.Published) + changeOverhead }

func checkSize(ch core.Change) error {
	limit := jsondoc.Default.Bytes
	if len(ch.Draft) <= limit && len(ch.Published) <= limit {
		return nil
	}
	return core.Refuse(core.CodeTooLarge, "", "A document may weigh %d bytes at most. Shorten it, or make several entries of it.",
		"Un document ne peut pas dépasser %d octets. Raccourcissez-le ou répartissez-le en plusieurs.", limit)
}

func (b *batch) checkLimits() error {
	if b.bytes > core.MaxCommitBytes {
		return core.Refuse(core.CodeTooLarge, "", "The changes of one request may weigh %d bytes at most. Send fewer operations at once.",
			"Les modifications d’une requête ne peuvent pas dépasser %d octets. Envoyez moins d’opérations à la fois.", core.MaxCommitBytes)
	}
	if len(b.steps) > maxChanges {
		return core.Refuse(core.CodeTooLarge, "", "One request may change %d entries at most. Send fewer operations at once.",
			"Une requête ne peut pas modifier plus de %d entrées. Envoyez moins d’opérations à la fois.", maxChanges)
	}
	return nil
}

// savepoint is a place to which a batch can be taken back.
type savepoint struct{ mark, steps, items, bytes int }

func (b *batch) save() savepoint {
	return savepoint{b.world.mark(), len(b.steps), len(b.items), b.bytes}
}

func (b *batch) back(s savepoint) {
	b.world.back(s.mark)
	b.steps, b.items, b.bytes = b.steps[:s.steps], b.items[:s.items], s.bytes
}

// finish commits what the batch has changed, if anything.
func (b *batch) finish(ctx context.Context) (*core.Result, error) {
	if len(b.steps) == 0 || b.options.DryRun {
		return b.result(nil), nil
	}
	commit, err := b.c.writer.propose(ctx, b.proposal(core.OriginOf(ctx)))
	if err != nil {
		return nil, err
	}
	return b.result(commit), nil
}

// result is what became of the operations, with the times that the commit has given them; nil for no commit.
func (b *batch) result(commit *core.Commit) *core.Result {
	r := &core.Result{Position: b.from, Items: make([]core.ResultItem, len(b.items))}
	changes := stamped(b.steps, b.now)
	if commit != nil {
		r.Position, changes = commit.Position, commit.Changes
	}
	for i, it := range b.items {
		r.Items[i] = it.ResultItem
		if it.at >= 0 {
			r.Items[i].Entry = stateAfter(b.steps[it.at].after.entry, changes[it.at].Meta)
		}
	}
	return r
}

func stateAfter(e *core.Entry, m core.Meta) *core.Entry {
	if e == nil {
		return nil
	}
	dated := *e
	dated.Meta = m
	return &dated
}

// stamped gives the changes with every time that was left zero filled in. Preparing leaves the time of a change open,
// since only the writer knows when it is made.
func stamped(steps []change, at time.Time) []core.Change {
	changes := make([]core.Change, len(steps))
	for i := range steps {
		changes[i] = steps[i].Change
		changes[i].Salt = core.NewSalt()
		stamp(&changes[i].Meta, at)
	}
	return changes
}

func stamp(m *core.Meta, at time.Time) {
	for _, t := range []*time.Time{&m.CreatedAt, &m.UpdatedAt} {
		if t.IsZero() {
			*t = at
		}
	}
	if m.Live != nil && m.Live.At.IsZero() {
		m.Live = &core.Live{Rev: m.Live.Rev, At: at}
	}
	for _, p := range []**time.Time{&m.PublishedAt, &m.TrashedAt} {
		if *p != nil && (*p).IsZero() {
			*p = &at
		}
	}
}

// unstamped is the time of a change that is not made yet.
func unstamped() *time.Time { return &time.Time{} }
