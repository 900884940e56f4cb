package webhooks

import (
	"context"
	"slices"
	"sync"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
)

// follow is told of every change, and puts a delivery aside for each endpoint that wants to hear of it. It connects to nobody.
func (w *Webhooks) follow(ctx context.Context, _ plugin.Host, c plugin.Committed) error {
	n := w.running.Load()
	if c.Change.Type == typeName {
		return n.changed(ctx, &c)
	}
	list, err := n.endpoints.all(ctx)
	if err != nil {
		return err
	}
	for _, e := range list {
		if !e.active() || !e.concerns(c.Change.Type) {
			continue
		}
		if err := n.tell(ctx, e, &c); err != nil {
			return err
		}
	}
	return nil
}

// tell puts a delivery aside for one endpoint, if its role may know of the change and the event is wanted.
func (n *node) tell(ctx context.Context, e *endpoint, c *plugin.Committed) error {
	line, err := n.sights.of(ctx, n, e.role(), c)
	if err != nil || line == nil || !e.wants(line.Type, line.Operation) {
		return err
	}
	if h, settled, err := n.standing(ctx, e); err != nil || h.Off != "" && settled { // what is not settled is looked at when it is sent
		return err
	}
	d := &delivery{ID: c.EventID, Webhook: e.ID, Event: string(line.Type) + "." + string(line.Operation), At: c.At, Type: line.Type, Entry: line.ID,
		Rev: line.Rev, Operation: line.Operation, Position: c.Position}
	return n.enqueue(ctx, d)
}

// enqueue puts a delivery into the queue.
func (n *node) enqueue(ctx context.Context, d *delivery) error {
	fresh, err := n.outbox.put(ctx, d)
	if err == nil && fresh {
		n.offer(ctx, d.Webhook, d.ID)
	}
	return err
}

// changed follows the endpoints themselves: what was checked of one is noted, a new one gets its secret, one that was published anew is on again, and of one that
// is gone nothing is kept.
func (n *node) changed(ctx context.Context, c *plugin.Committed) error {
	id := c.Change.Entry
	if err := n.committed(ctx, c); err != nil {
		return err
	}
	switch {
	case c.Change.Op == core.OpPurge:
		return n.outbox.forget(ctx, id)
	case c.Change.Action == core.ActionCreate:
		_, err := n.outbox.keyring(ctx, id)
		return err
	case c.Change.Published != nil && !core.IsNull(c.Change.Published):
		_, err := n.outbox.changeHealth(ctx, id, func(h *health) { *h = health{} })
		return err
	}
	return nil
}

// sights remembers what roles see of the feed of changes, a stretch of it at a time. The zero value is ready.
type sights struct {
	mu    sync.Mutex
	known map[sightKey]*sight
}

type sightKey struct {
	role string
	name core.TypeName
}

// sight is what one role sees of one type between two positions.
type sight struct {
	since, next core.Position
	rights      uint64 // version of the roles
	lines       map[core.Position][]core.ChangeLine
}

// stretch is how many changes are read at once: many when there are many to catch up with.
const stretch = 100

// of gives a change as a role sees it, nil when it does not. An administrator's subscription learns of drafts, the public's of
// what moved in public, exactly as the feed of changes has it.
func (s *sights) of(ctx context.Context, n *node, role string, c *plugin.Committed) (*core.ChangeLine, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, rights := sightKey{role, c.Change.Type}, n.Version("_role")
	got := s.known[key]
	if got == nil || got.rights != rights || c.Position <= got.since || c.Position > got.next {
		var err error
		if got, err = look(ctx, n, key, c.Position-1); err != nil || got == nil {
			return nil, err
		}
		if got.rights = rights; s.known == nil {
			s.known = map[sightKey]*sight{}
		}
		s.known[key] = got
	}
	return got.line(c), nil
}

// line finds the line of a change; an entry may have several changes in a commit.
func (s *sight) line(c *plugin.Committed) *core.ChangeLine {
	find := func(is func(*core.ChangeLine) bool) *core.ChangeLine {
		lines := s.lines[c.Position]
		if i := slices.IndexFunc(lines, func(l core.ChangeLine) bool { return l.ID == c.Change.Entry && is(&l) }); i >= 0 {
			return &lines[i]
		}
		return nil
	}
	if own := find(func(l *core.ChangeLine) bool { return l.Rev == c.Change.Meta.Rev }); own != nil {
		return own
	}
	was, to := c.Change.Meta.Live, shownOrNot(&c.Change)
	return find(func(l *core.ChangeLine) bool { return was != nil && l.Rev == was.Rev && l.Operation == to })
}

// shownOrNot is what a change means to the public that takes what is published away, or brings it back, and leaves its revision as it
// was; "" for any other, which has a line of its own revision or none.
func shownOrNot(c *core.Change) core.Action {
	switch {
	case c.Op == core.OpPurge, c.Action == core.ActionDelete:
		return core.ActionUnpublish
	case c.Action == core.ActionRestore:
		return core.ActionPublish
	}
	return ""
}

// look reads a stretch of the feed; nil for a type that the role may not see.
func look(ctx context.Context, n *node, key sightKey, since core.Position) (*sight, error) {
	page, err := n.Reader().Changes(ctx, principal(key.role), since, []core.TypeName{key.name}, stretch)
	switch core.CodeOf(err) {
	case "":
	case core.CodeNotFound, core.CodeForbidden, core.CodeUnauthenticated:
		return nil, nil
	default:
		return nil, err
	}
	got := &sight{since: since, next: page.Next, lines: map[core.Position][]core.ChangeLine{}}
	for _, line := range page.Data {
		got.lines[line.Position] = append(got.lines[line.Position], line)
	}
	return got, nil
}
