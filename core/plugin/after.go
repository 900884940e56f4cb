package plugin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Committed is one change that stands in the log.
type Committed struct {
	EventID  string // the same at every delivery: use it to recognise a repetition
	Position core.Position
	At       time.Time
	By       string
	Reason   string
	Change   core.Change
}

// Follower is a handler that is told of changes after they were committed.
type Follower struct {
	Name   string
	Within time.Duration
	Wants  func(c *core.Change) bool
	Handle func(ctx context.Context, h Host, c Committed) error
}

// defaultWithin bounds a follower's handling of one change.
const defaultWithin = 30 * time.Second

// After registers a handler that is told of changes after they were committed: at least once, those of one entry in their
// order, on one node of the cluster. An error is tried again after 5 s, 1 min, 10 min, 1 h and 6 h, and then kept among what
// failed, for a person to look at; meanwhile later changes of the same entry wait, and no others.
func After(r *Registry, fn func(ctx context.Context, h Host, c Committed) error, given ...Option) error {
	o := r.options("after", given)
	if err := r.mayName(o.types); err != nil {
		return err
	}
	if o.timeout == defaultTimeout {
		o.timeout = defaultWithin
	}
	for _, have := range r.Followers {
		if have.Name == o.name {
			return fmt.Errorf("the After handler %s is registered twice: tell them apart with plugin.Named", o.name)
		}
	}
	r.Followers = append(r.Followers, Follower{Name: o.name, Within: o.timeout, Handle: fn, Wants: func(c *core.Change) bool {
		return o.wants(c.Type) && (len(o.actions) == 0 || slices.Contains(o.actions, c.Action))
	}})
	return nil
}

// EventOf gives a change of a commit as followers are told of it. The types say what is secret.
func EventOf(types core.Types, c *core.Commit, change int) Committed {
	told := c.Changes[change]
	told.Salt = "" // the log's own
	t, _ := types.Type(told.Type)
	told.Draft, told.Published = concealDoc(t, told.Draft), concealDoc(t, told.Published)
	return Committed{EventID: fmt.Sprintf("evt_%s_%d", c.ID, change), Position: c.Position, At: c.At, By: c.By, Reason: c.Reason, Change: told}
}
