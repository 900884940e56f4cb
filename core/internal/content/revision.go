package content

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// revisionPage is how many lines of history are asked for at once.
const revisionPage = 50

// Revision implements core.Content. It reads the log from the revision backwards, until both documents are known.
func (c *Content) Revision(ctx context.Context, name core.TypeName, id core.EntryID, rev int64) (*core.Entry, error) {
	now, err := c.stored.entry(ctx, name, id)
	if err != nil {
		return nil, err
	}
	if now == nil || rev < 1 || rev > now.Rev {
		return nil, noRevision(name, id, rev)
	}
	if rev == now.Rev {
		return now, nil
	}
	return c.foldBack(ctx, name, id, rev)
}

func noRevision(name core.TypeName, id core.EntryID, rev int64) error {
	return core.Refuse(core.CodeNotFound, "", "There is no revision %d of the %s %q.", "Il n’y a pas de révision %d de %s « %s ».", rev, string(name), string(id))
}

// foldBack makes the state at a revision out of the changes that led to it: the newest gives everything but the
// documents that it did not change, and those the ones before it.
func (c *Content) foldBack(ctx context.Context, name core.TypeName, id core.EntryID, rev int64) (*core.Entry, error) {
	var found past
	for before := rev + 1; !found.complete(); {
		page, err := c.catalog.Revisions(ctx, id, before, revisionPage)
		if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		for i := 0; i < len(page) && !found.complete(); i++ {
			if err := c.foldOne(ctx, id, page[i], &found); err != nil {
				return nil, err
			}
		}
		before = page[len(page)-1].Rev
	}
	if found.entry == nil || found.entry.Rev != rev || found.entry.Type != name {
		return nil, noRevision(name, id, rev)
	}
	return found.entry, nil
}

// past is a state that is being put together backwards.
type past struct {
	entry            *core.Entry
	draft, published bool // known
}

func (p *past) complete() bool { return p.entry != nil && p.draft && p.published }

// take lays an older change below what is known.
func (p *past) take(ch *core.Change) {
	if p.entry == nil {
		p.entry = &core.Entry{Type: ch.Type, ID: ch.Entry, Meta: ch.Meta}
	}
	if !p.draft && ch.Draft != nil {
		p.draft, p.entry.Draft = true, unlessNull(ch.Draft)
	}
	if !p.published && ch.Published != nil {
		p.published, p.entry.Published = true, unlessNull(ch.Published)
	}
}

func unlessNull(d core.Doc) core.Doc {
	if core.IsNull(d) {
		return nil
	}
	return d
}

func (c *Content) foldOne(ctx context.Context, id core.EntryID, at core.Revision, found *past) error {
	commits, err := c.log.Read(ctx, at.Position, 1)
	if err != nil {
		return err
	}
	if len(commits) == 0 || commits[0].Position != at.Position {
		return core.Errorf(core.CodeInternal, "the log has no commit %d, where the history of %s says there is one", at.Position, id)
	}
	for i := range commits[0].Changes {
		ch := &commits[0].Changes[i]
		if ch.Entry == id && ch.Meta.Rev == at.Rev && ch.Op == core.OpPut {
			found.take(ch)
		}
	}
	return nil
}

// notErasing refuses to bring anything back of an entry whose past an erasure has yet to rewrite.
func (c *Content) notErasing(ctx context.Context, id core.EntryID) error {
	if _, ok := c.types.Type("_erasure"); !ok {
		return nil
	}
	return c.catalog.Each(ctx, "_erasure", "", func(e *core.Entry) error {
		var record struct {
			State   string              `json:"state"`
			Entries []core.ErasureEntry `json:"entries"`
		}
		err := json.Unmarshal(e.Latest(), &record)
		if record.State == "pending" && slices.ContainsFunc(record.Entries, func(one core.ErasureEntry) bool { return one.ID == id }) {
			return core.Refuse(core.CodeConflict, "erasing", "Personal data is being erased from the past of this entry. Try again in some minutes.",
				"Des données personnelles sont en cours d’effacement dans le passé de ce contenu. Réessayez dans quelques minutes.")
		}
		return core.Wrap("content.notErasing", err)
	})
}

// takeRevision makes the document of an earlier revision the one to come.
func (e *edit) takeRevision(ctx context.Context) error {
	if err := e.c.notErasing(ctx, e.id); err != nil { // before the log is read: afterwards what was read may be erased
		return err
	}
	was, err := e.c.Revision(ctx, e.typ.Name, e.id, e.op.Rev)
	if err != nil {
		return err
	}
	if e.after, err = parse(was.Latest()); err != nil {
		return err
	}
	e.keepUnreadable()
	return nil
}

// keepUnreadable leaves what the caller may not read as it is: it is not his to bring back. A list with such members stays
// as a whole, for the items of two revisions do not answer to each other.
func (e *edit) keepUnreadable() {
	for i := range e.typ.Fields {
		path := e.typ.Fields[i].Path
		if e.mayRead(path) {
			continue
		}
		path = outermostList(e.typ, path)
		keep(e.after, e.before, path)
		e.keepTranslations(path)
	}
}

func (e *edit) keepTranslations(path string) {
	was, _ := e.before[core.DocTranslations].(map[string]any)
	is, _ := e.after[core.DocTranslations].(map[string]any)
	for l := range both(was, is) {
		a, _ := is[l].(map[string]any)
		b, _ := was[l].(map[string]any)
		if a == nil {
			if _, there := jsondoc.Lookup(b, path); !there {
				continue
			}
			a = map[string]any{}
			jsondoc.Set(e.after, core.DocTranslations+"."+l, a)
		}
		keep(a, b, path)
	}
}

// keep makes a place of one document what it is in another.
func keep(after, before map[string]any, path string) {
	jsondoc.Delete(after, path)
	if v, ok := jsondoc.Lookup(before, path); ok {
		jsondoc.Set(after, path, jsondoc.Clone(v))
	}
}

// outermostList is the list that a place lies in, or the place itself.
func outermostList(t *core.Type, path string) string {
	for end := range path {
		if path[end] != '.' {
			continue
		}
		if f, ok := t.Field(path[:end]); ok && f.Multi {
			return path[:end]
		}
	}
	return path
}
