package privacy

import (
	"context"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// readStep is how many commits are read at once.
const readStep = 500

// eachCommit calls f with the commits of the log in order, up to a position.
func (s *Service) eachCommit(ctx context.Context, last core.Position, f func(*core.Commit) error) error {
	for at := core.Position(1); at <= last; {
		page, err := s.Log.Read(ctx, at, int(min(readStep, last-at+1)))
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return core.Errorf(core.CodeInternal, "the log ends at %d, before %d", at-1, last)
		}
		for i := range page {
			if err := f(&page[i]); err != nil {
				return err
			}
		}
		at += core.Position(len(page))
	}
	return nil
}

// eachRevision calls f with the changes of an entry, as far as the catalog lists them, the newest first.
func (s *Service) eachRevision(ctx context.Context, id core.EntryID, f func(*core.Change) error) error {
	for before := int64(0); ; {
		page, err := s.Catalog.Revisions(ctx, id, before, 100)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, rev := range page {
			commits, err := s.Log.Read(ctx, rev.Position, 1)
			if err != nil {
				return err
			}
			if err := changesOf(commits, id, f); err != nil {
				return err
			}
		}
		before = page[len(page)-1].Rev
	}
}

func changesOf(commits []core.Commit, id core.EntryID, f func(*core.Change) error) error {
	for i := range commits {
		for k := range commits[i].Changes {
			if ch := &commits[i].Changes[k]; ch.Entry == id {
				if err := f(ch); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// changed reads the documents that a change brought.
func changed(ch *core.Change) ([]map[string]any, error) {
	var docs []map[string]any
	for _, text := range []core.Doc{ch.Draft, ch.Published} {
		if text == nil || core.IsNull(text) {
			continue
		}
		doc, err := jsondoc.ParseObject(text)
		if err != nil {
			return nil, core.Wrap("privacy.changed", err)
		}
		docs = append(docs, doc)
	}
	return docs, nil
}
