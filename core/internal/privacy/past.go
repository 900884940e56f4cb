package privacy

import (
	"context"
	"slices"

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

// past looks through what entries were: only what is not found in them now is told, and entries that are gone.
func (f *finder) past(ctx context.Context) error {
	return f.s.eachCommit(ctx, f.s.Catalog.Position(), func(c *core.Commit) error {
		for i := range c.Changes {
			if t := f.types[c.Changes[i].Type]; t != nil {
				if err := f.change(ctx, t, &c.Changes[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (f *finder) change(ctx context.Context, t *target, ch *core.Change) error {
	docs, err := changed(ch)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		own, _ := f.look(t, doc, true)
		if own = f.unknown(ch.Entry, own); len(own) > 0 {
			f.title(ctx, t.typ, f.found.add(t.typ, ch.Entry, own, inHistory))
		}
	}
	if ch.Comment != "" && f.in(ch.Comment) {
		f.title(ctx, t.typ, f.mentions.add(t.typ, ch.Entry, []string{comment}, inHistory))
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

// unknown leaves out the fields in which the entry is found already.
func (f *finder) unknown(id core.EntryID, fields []string) []string {
	e := f.found.byID[id]
	if e == nil {
		return fields
	}
	return slices.DeleteFunc(fields, func(path string) bool { return slices.Contains(e.Fields, path) })
}

// title gives the present title of an entry; one that is gone has none.
func (f *finder) title(ctx context.Context, t *core.Type, to *core.SubjectEntry) {
	if to == nil || to.Title != "" {
		return
	}
	e, err := f.s.Catalog.Entry(ctx, t.Name, to.ID)
	if err != nil {
		return
	}
	if docs, err := documentsOf(e); err == nil && len(docs) > 0 {
		title(to, t, docs)
	}
}
