package read

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
)

const (
	maxChanges = 1000 // lines of a page, but for the last commit's, which is never cut in two
	scanned    = 5000 // commits looked at for one page
	readAhead  = 200  // commits read at once
)

// Changes implements core.Reader. A caller who may see drafts sees every change; any other sees only what moved in
// public: of a draft not even that there is one. Positions without a line are passed over in silence.
func (r *Reader) Changes(ctx context.Context, who *core.Principal, since core.Position, types []core.TypeName, limit int) (*core.ChangePage, error) {
	f, err := r.follower(ctx, who, types)
	if err != nil {
		return nil, err
	}
	if limit <= 0 || limit > maxChanges {
		limit = maxChanges
	}
	page := &core.ChangePage{Data: []core.ChangeLine{}, Next: since}
	for looked := 0; len(page.Data) < limit && looked < scanned; {
		commits, err := r.Log.Read(ctx, page.Next+1, readAhead)
		if err != nil {
			return nil, err
		}
		if len(commits) == 0 {
			page.Last = true
			return page, nil
		}
		n, err := f.take(ctx, page, commits, limit)
		if err != nil {
			return nil, err
		}
		looked += n
	}
	last, err := r.Log.Last(ctx)
	page.Last = last <= page.Next
	return page, err
}

// follower folds commits into what one caller may see.
type follower struct {
	r      *Reader
	who    *core.Principal
	scopes map[core.TypeName]*followed
}

type followed struct {
	t *core.Type
	s *core.Scope
}

// follower looks up what the caller may follow: the named types, or all; a named one must be there.
func (r *Reader) follower(ctx context.Context, who *core.Principal, types []core.TypeName) (*follower, error) {
	f := &follower{r: r, who: who, scopes: map[core.TypeName]*followed{}}
	for _, name := range types {
		t, s, err := r.scoped(ctx, who, name, core.ActionList)
		if err != nil {
			return nil, err
		}
		f.scopes[name] = &followed{t, s}
	}
	if len(types) > 0 {
		return f, nil
	}
	for _, t := range r.Types.Types() {
		if s, err := r.Access.Scope(ctx, who, t, core.ActionList); err == nil {
			f.scopes[t.Name] = &followed{t, s}
		}
	}
	return f, nil
}

// take folds whole commits until the page is full, and says how many.
func (f *follower) take(ctx context.Context, page *core.ChangePage, commits []core.Commit, limit int) (int, error) {
	for i := range commits {
		lines, err := f.lines(ctx, &commits[i])
		if err != nil {
			return i, err
		}
		page.Data, page.Next = append(page.Data, lines...), commits[i].Position
		if len(page.Data) >= limit {
			return i + 1, nil
		}
	}
	return len(commits), nil
}

func (f *follower) lines(ctx context.Context, c *core.Commit) ([]core.ChangeLine, error) {
	var lines []core.ChangeLine
	seen, err := f.sights(ctx, c)
	if err != nil {
		return nil, err
	}
	for i := range c.Changes {
		change := &c.Changes[i]
		to := f.scopes[change.Type]
		if to == nil || change.Op == core.OpRedact {
			continue
		}
		line := core.ChangeLine{Position: c.Position, Type: change.Type, ID: change.Entry, Rev: change.Meta.Rev, Operation: change.Action, At: c.At}
		switch state := f.sight(to, change, seen); {
		case state == "", state == core.StatePublished && !public(change, &line):
			continue
		case state != core.StatePublished && change.Op == core.OpPurge:
			line.Operation = core.ActionPurge
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// sight says as what the caller sees a change: in public, as an editor, or, with "", not at all. What no longer exists
// cannot be judged, so those who see some rows only are not told of it.
func (f *follower) sight(to *followed, c *core.Change, seen map[core.EntryID]core.State) core.State {
	if f.restricted(to) {
		return seen[c.Entry]
	}
	return statesOf(to.s)[0]
}

func (f *follower) restricted(to *followed) bool {
	return to.s.Where != nil || to.s.Draft != nil || !f.r.Hooks.QueryPlan.Empty()
}

// sights looks for the entries of a commit as they are now, in the state that shows the caller most of each.
func (f *follower) sights(ctx context.Context, c *core.Commit) (map[core.EntryID]core.State, error) {
	seen := map[core.EntryID]core.State{}
	for name, to := range f.scopes {
		if !f.restricted(to) {
			continue
		}
		for chunk := range slices.Chunk(changedIn(c, name), maxDocuments) {
			if err := f.look(ctx, to, chunk, seen); err != nil {
				return nil, err
			}
		}
	}
	return seen, nil
}

// public turns a change into what it did in public, and reports whether it did anything.
func public(c *core.Change, line *core.ChangeLine) bool {
	live := c.Meta.Live
	if live != nil {
		line.Rev = live.Rev
	}
	switch {
	case c.Op == core.OpPurge:
		line.Operation = core.ActionUnpublish
		return live != nil && c.Meta.TrashedAt == nil
	case c.Meta.TrashedAt != nil:
		line.Operation = core.ActionUnpublish
		return live != nil && c.Action == core.ActionDelete
	case core.IsNull(c.Published):
		line.Operation = core.ActionUnpublish
		return true
	case live == nil:
		return false
	case c.Published == nil:
		line.Operation = core.ActionPublish
		return backFromTrash(c)
	}
	line.Operation = core.ActionUpdate
	if firstPublished(c) {
		line.Operation = core.ActionPublish
	}
	return true
}

// backFromTrash tells a restored entry from one whose draft was restored from an earlier revision.
func backFromTrash(c *core.Change) bool { return c.Action == core.ActionRestore && c.Draft == nil }

func firstPublished(c *core.Change) bool {
	at := c.Meta.PublishedAt
	return at != nil && at.Equal(c.Meta.Live.At) && c.Action != core.ActionMigrate && c.Action != core.ActionDetach
}

func changedIn(c *core.Commit, name core.TypeName) []core.EntryID {
	var ids []core.EntryID
	for i := range c.Changes {
		if c.Changes[i].Type == name {
			ids = append(ids, c.Changes[i].Entry)
		}
	}
	return distinct(ids)
}

func (f *follower) look(ctx context.Context, to *followed, ids []core.EntryID, seen map[core.EntryID]core.State) error {
	for _, state := range statesOf(to.s) {
		views, err := f.r.visible(ctx, f.who, to.t, to.s, state, ids)
		if err != nil {
			return err
		}
		for i := range views {
			if _, known := seen[views[i].ID]; !known {
				seen[views[i].ID] = state
			}
		}
	}
	return nil
}
