package content

import (
	"container/heap"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// chooseLater finds the way that a scheduled transition will take: from the state in which the entry will be by then.
func (e *edit) chooseLater(ctx context.Context) error {
	if _, err := e.scopeFor(ctx, e.typ, core.ActionSchedule); err != nil {
		return err
	}
	if !e.op.At.After(e.now) {
		return invalid([]core.FieldError{broken("/at", "future", "The time must be to come: it is %s now.", "Le moment doit être à venir : il est %s.", e.now.Format(time.RFC3339))})
	}
	planned := *e.old
	planned.Schedule = without(e.old.Schedule, e.op.Transition)
	return e.choose(ctx, e.op.Transition, planned.At(*e.op.At))
}

func without(list []core.Scheduled, transition string) []core.Scheduled {
	return slices.DeleteFunc(slices.Clone(list), func(s core.Scheduled) bool { return s.Transition == transition })
}

// schedule puts the transition on the entry's schedule, in the place of an earlier one of its name.
func (e *edit) schedule() error {
	if e.way == nil {
		return nil // it would change nothing
	}
	at := e.op.At.UTC().Truncate(time.Millisecond)
	next := e.moveOn()
	next.Schedule = append(without(next.Schedule, e.way.Name),
		core.Scheduled{Transition: e.way.Name, To: e.way.To, Effect: e.way.Effect, At: at, By: e.who.ID})
	slices.SortStableFunc(next.Schedule, func(a, b core.Scheduled) int { return a.At.Compare(b.At) })
	e.next = next
	return nil
}

func (e *edit) clearSchedule() error {
	if len(e.old.Schedule) == 0 {
		return nil
	}
	e.next = e.moveOn()
	e.next.Schedule = nil
	return nil
}

// guardSchedule keeps an edit from being published unseen. What is scheduled for publication goes out as it is by then,
// so only those may still edit it who could publish it themselves.
func (e *edit) guardSchedule(ctx context.Context, next *core.Entry) error {
	for _, s := range next.Schedule {
		if s.Effect != core.EffectPublish {
			continue
		}
		way, allowed, _ := e.typ.Workflow.Transition(s.Transition, next.Status)
		if allowed && e.permitWay(ctx, &way) == nil {
			continue
		}
		err := core.Refuse(core.CodeForbidden, "scheduled", "The entry is to be published on %s. Whoever edits it until then must be allowed to publish it: take it off the schedule first.",
			"L’entrée sera publiée le %s. Pour la modifier d’ici là, il faut pouvoir la publier : retirez-la d’abord du calendrier.", s.At.Format(time.RFC3339))
		return err
	}
	return nil
}

// performDue records what was due: one change for each transition, as the scheduler would have made it. It gives
// the state after them.
func (b *batch) performDue(t *core.Type, e *core.Entry) (*core.Entry, error) {
	for len(e.Schedule) > 0 && !e.Schedule[0].At.After(b.now) && !e.Trashed() {
		s := e.Schedule[0]
		next := performed(e, s)
		if err := b.keepFormerSlug(t, e, next); err != nil {
			return nil, err
		}
		if err := b.add(t, e, next, core.ChangeTo(e, next, core.Action(s.Transition))); err != nil {
			return nil, err
		}
		e = next
	}
	return e, nil
}

// performed gives an entry after one scheduled transition, the rest of its schedule kept.
func performed(e *core.Entry, s core.Scheduled) *core.Entry {
	alone := *e
	alone.Schedule = []core.Scheduled{s}
	next := *alone.At(s.At)
	next.Schedule = slices.Clone(e.Schedule[1:])
	next.Rev++
	next.UpdatedBy, next.UpdatedAt = s.By, *unstamped()
	if next.Live != nil && s.Effect == core.EffectPublish {
		next.Live = &core.Live{Rev: next.Rev, At: s.At}
	}
	return &next
}

// recordDue makes one commit of what is due on an entry. Two nodes that try at once make one commit, since the second
// finds the revision moved and then nothing due.
func (c *Content) recordDue(ctx context.Context, name core.TypeName, id core.EntryID) error {
	_, err := c.untilSettled(ctx, func() (*core.Result, error) {
		b, err := c.begin(ctx, core.System, core.WriteOptions{Reason: string(core.ActionSchedule)})
		if err != nil {
			return nil, err
		}
		t, err := b.typeOf(name)
		if err != nil {
			return nil, err
		}
		if _, _, err := b.load(ctx, t, id); err != nil {
			return nil, err
		}
		return b.finish(ctx)
	})
	return err
}

// runSchedule records transitions when they are due, by the store's clock, until ctx ends.
func (c *Content) runSchedule(ctx context.Context) {
	c.loadTimetable(ctx)
	for {
		due, ok := c.timetable.next(c.clock.now())
		if !ok {
			if !c.timetable.wait(ctx, c.clock.now()) {
				return
			}
			continue
		}
		if err := c.recordDue(ctx, due.typ, due.id); err != nil {
			c.logger.Warn("a scheduled transition is not recorded yet; readers see it performed", "type", due.typ, "id", due.id, "error", err)
			c.timetable.put(due.id, due.typ, c.clock.now().Add(retrySchedule))
		} else if e, err := c.stored.entry(ctx, due.typ, due.id); err == nil && e != nil {
			c.timetable.putEntry(e.Type, e.ID, e.Meta) // the clock was put back meanwhile: it is due once more
		}
		if ctx.Err() != nil {
			return
		}
	}
}

const retrySchedule = time.Second

// loadTimetable reads the schedules that the catalog holds from before this start: those that a core.Planner lists, or
// those found by looking at every entry.
func (c *Content) loadTimetable(ctx context.Context) {
	plan := c.eachEntry
	if planner, ok := c.catalog.(core.Planner); ok {
		plan = planner.Planned
	}
	err := plan(ctx, func(e *core.Entry) error {
		c.timetable.putEntry(e.Type, e.ID, e.Meta)
		return ctx.Err()
	})
	if err != nil && ctx.Err() == nil {
		c.logger.Error("the schedules cannot be read; readers see them performed, and edits record them", "error", err)
	}
}

func (c *Content) eachEntry(ctx context.Context, f func(*core.Entry) error) error {
	for _, t := range c.types.Types() {
		if err := c.catalog.Each(ctx, t.Name, "", f); err != nil {
			return err
		}
	}
	return nil
}

// timetable knows when entries are due next. It is fed by every commit that is applied.
type timetable struct {
	mu    sync.Mutex
	at    map[core.EntryID]appointment
	queue appointments // by time; lines that at does not confirm are out of date
	woken chan struct{}
}

type appointment struct {
	id  core.EntryID
	typ core.TypeName
	at  time.Time
}

func newTimetable() *timetable {
	return &timetable{at: map[core.EntryID]appointment{}, woken: make(chan struct{}, 1)}
}

// apply takes in what commits say of schedules.
func (t *timetable) apply(commits []core.Commit) {
	for i := range commits {
		for j := range commits[i].Changes {
			ch := &commits[i].Changes[j]
			if ch.Op == core.OpPut {
				t.putEntry(ch.Type, ch.Entry, ch.Meta)
			} else if ch.Op == core.OpPurge {
				t.drop(ch.Entry)
			}
		}
	}
}

func (t *timetable) putEntry(name core.TypeName, id core.EntryID, m core.Meta) {
	if len(m.Schedule) == 0 || m.TrashedAt != nil {
		t.drop(id)
		return
	}
	t.put(id, name, m.Schedule[0].At)
}

func (t *timetable) put(id core.EntryID, name core.TypeName, at time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a := appointment{id, name, at}
	if t.at[id] == a {
		return
	}
	t.at[id] = a
	heap.Push(&t.queue, a)
	t.wake()
}

func (t *timetable) drop(id core.EntryID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.at, id)
}

func (t *timetable) wake() {
	select {
	case t.woken <- struct{}{}:
	default:
	}
}

// next takes out the earliest appointment that is due.
func (t *timetable) next(now time.Time) (appointment, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	first, ok := t.first()
	if !ok || first.at.After(now) {
		return appointment{}, false
	}
	heap.Pop(&t.queue)
	delete(t.at, first.id)
	return first, true
}

func (t *timetable) first() (appointment, bool) {
	for len(t.queue) > 0 {
		if a := t.queue[0]; t.at[a.id] == a {
			return a, true
		}
		heap.Pop(&t.queue)
	}
	return appointment{}, false
}

// wait returns true when there may be something due, false when ctx ends.
func (t *timetable) wait(ctx context.Context, now time.Time) bool {
	t.mu.Lock()
	first, ok := t.first()
	t.mu.Unlock()
	sleep := idleSchedule
	if ok {
		sleep = min(sleep, first.at.Sub(now))
	}
	timer := time.NewTimer(sleep)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.woken:
	case <-timer.C:
	}
	return true
}

// idleSchedule bounds the sleep, so that a correction of the clock is noticed.
const idleSchedule = 30 * time.Second

// appointments is a heap by time.
type appointments []appointment

func (a appointments) Len() int           { return len(a) }
func (a appointments) Less(i, j int) bool { return a[i].at.Before(a[j].at) }
func (a appointments) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *appointments) Push(v any)        { *a = append(*a, v.(appointment)) }
func (a *appointments) Pop() any {
	last := len(*a) - 1
	v := (*a)[last]
	*a = (*a)[:last]
	return v
}
