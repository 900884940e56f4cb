package privacy

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Resume implements core.Privacy.
func (s *Service) Resume(ctx context.Context) error {
	_, err := s.finish(ctx)
	return err
}

// erasure is one that is not finished.
type erasure struct {
	id       core.EntryID
	rev      int64
	first    core.Position // of the commit that began it
	entries  map[core.EntryID]*subject
	commits  map[core.Position]bool // that were rewritten
	position core.Position          // of the commit that ended it
}

// subject is an entry whose past is rewritten.
type subject struct {
	typ    core.TypeName
	fields []string
	all    bool // and what was personal under earlier schemas of the type
	purge  bool
	slugs  bool // the slug goes with the fields
	remark bool // what was said of changes goes, whatever it says
	until  core.Position
	names  names
}

// finish brings every pending erasure to its end, and gives them by their identifiers.
func (s *Service) finish(ctx context.Context) (map[core.EntryID]*erasure, error) {
	s.finishing.Lock()
	defer s.finishing.Unlock()
	pending, err := s.pending(ctx)
	if err != nil || len(pending) == 0 {
		return pending, err
	}
	if err := s.rewritePast(ctx, pending); err != nil {
		return nil, core.Wrap("privacy.rewritePast", err)
	}
	if err := s.clean(ctx); err != nil {
		return nil, core.Wrap("privacy.clean", err)
	}
	for _, id := range slices.Sorted(maps.Keys(pending)) {
		if err := s.end(ctx, pending[id]); err != nil {
			return nil, core.Wrap("privacy.end", err)
		}
	}
	s.settle(ctx)
	return pending, nil
}

// settle waits for the other views of the log. One that is behind takes the erasure in when it comes to it: that is no
// reason to call the erasure unfinished.
func (s *Service) settle(ctx context.Context) {
	if s.Settle == nil {
		return
	}
	if err := s.Settle(ctx); err != nil {
		s.Logger.Warn("an erasure is done, and a view of the log on this node has yet to take it in", "error", err)
	}
}

// pending reads the records of the erasures that are not done.
func (s *Service) pending(ctx context.Context) (map[core.EntryID]*erasure, error) {
	found := map[core.EntryID]*erasure{}
	var records []*core.Entry
	err := s.Catalog.Each(ctx, record, "", func(e *core.Entry) error {
		records = append(records, e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, e := range records {
		x, err := s.read(ctx, e)
		if err != nil {
			return nil, err
		}
		if x != nil {
			found[e.ID] = x
		}
	}
	return found, nil
}

// read makes an erasure of its record; nil for one that is done.
func (s *Service) read(ctx context.Context, e *core.Entry) (*erasure, error) {
	var doc struct {
		State   string              `json:"state"`
		Entries []core.ErasureEntry `json:"entries"`
	}
	if err := json.Unmarshal(e.Latest(), &doc); err != nil || doc.State != "pending" {
		return nil, err
	}
	revisions, err := s.Catalog.Revisions(ctx, e.ID, 0, 100)
	if err != nil || len(revisions) == 0 {
		return nil, errors.Join(err, core.Errorf(core.CodeInternal, "the erasure %s has no revisions", e.ID))
	}
	x := &erasure{id: e.ID, rev: e.Rev, first: revisions[len(revisions)-1].Position, entries: map[core.EntryID]*subject{}, commits: map[core.Position]bool{}}
	for _, entry := range doc.Entries {
		x.entries[entry.ID] = s.subjectOf(entry, x.first)
	}
	return x, s.addPurged(ctx, x)
}

func (s *Service) subjectOf(e core.ErasureEntry, until core.Position) *subject {
	sub := &subject{typ: e.Type, fields: e.Fields, purge: e.Purge, all: !e.Purge && e.Fields == nil, until: until}
	if t, ok := s.Types.Type(e.Type); ok {
		if sub.all {
			sub.fields = personal(t)
		}
		sub.slugs = sub.purge || slugFalls(t, sub.fields)
	}
	sub.remark = sub.purge || slices.Contains(e.Fields, comment)
	return sub
}

// addPurged adds the entries that went with those that were purged: what belongs to somebody, as the sessions of an account.
func (s *Service) addPurged(ctx context.Context, x *erasure) error {
	commits, err := s.Log.Read(ctx, x.first, 1)
	if err != nil || len(commits) == 0 {
		return errors.Join(err, core.Errorf(core.CodeUnavailable, "the commit %d cannot be read", x.first))
	}
	for i := range commits[0].Changes {
		if ch := &commits[0].Changes[i]; ch.Op == core.OpPurge {
			x.entries[ch.Entry] = s.subjectOf(core.ErasureEntry{Type: ch.Type, ID: ch.Entry, Purge: true}, x.first)
		}
	}
	return nil
}

// clean leaves nothing of what was replaced on this node's disk.
func (s *Service) clean(ctx context.Context) error {
	if shredder, ok := s.Log.(core.Shredder); ok {
		if err := shredder.Shred(ctx); err != nil {
			return err
		}
	}
	if s.Keeper == nil {
		return nil
	}
	const pause = 200 * time.Millisecond
	for {
		_, err := s.Keeper.Rebuild(ctx)
		if core.CodeOf(err) != core.CodeConflict {
			return err
		}
		select { // another rebuild, or a verification, is under way
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// end records that the past of the entries was rewritten, and that the erasure is done. That another node was faster is fine.
func (s *Service) end(ctx context.Context, x *erasure) error {
	s.Mine(x.id)
	var ops []core.Operation
	for _, id := range slices.Sorted(maps.Keys(x.entries)) {
		ops = append(ops, core.Operation{Op: core.OperationRedact, Type: x.entries[id].typ, ID: id})
	}
	done := map[string]any{"state": "done", "commits": json.Number(strconv.Itoa(len(x.commits)))}
	ops = append(ops, core.Operation{Op: core.OperationUpdate, Type: record, ID: x.id, IfMatch: x.rev, Data: done})
	result, err := s.Content.Write(ctx, core.System, ops, core.WriteOptions{Reason: reason})
	if core.CodeOf(err) == core.CodeStale {
		return s.endedBy(ctx, x, err)
	}
	if err == nil {
		x.position = result.Position
	}
	return err
}

func (s *Service) endedBy(ctx context.Context, x *erasure, stale error) error {
	e, err := s.Catalog.Entry(ctx, record, x.id)
	if err != nil {
		return err
	}
	if again, err := s.read(ctx, e); again != nil || err != nil {
		return errors.Join(stale, err)
	}
	x.position = s.Catalog.Position()
	return nil
}
