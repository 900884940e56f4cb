package privacy

import (
	"context"
	"slices"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// inHistory is where a value stands that only earlier versions have.
const inHistory = "history"

// What stands beside the document of a version, among the fields of a mention and in a pointer.
const (
	comment = "_comment" // the remark that came with a change
	slugs   = "_slugs"   // former addresses
)

// mostPlaces is how many places in the past of one entry a report lists.
const mostPlaces = 50

// standing are the mentions in the two documents of an entry as the log has told so far: they are past once the log tells of
// others in their place.
type standing [2][]mention

// mention is a place in a version.
type mention struct {
	field string
	core.PastPlace
}

// past looks through what entries were, one commit after the other. Of personal fields only those are told that do not hold
// the subject now, as an erasure takes the past with them; mentions are told wherever they stand.
func (f *finder) past(ctx context.Context) error {
	return f.s.eachCommit(ctx, f.s.Catalog.Position(), func(c *core.Commit) error {
		for i := range c.Changes {
			if t := f.types[c.Changes[i].Type]; t != nil {
				if err := f.change(ctx, t, c.Position, &c.Changes[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (f *finder) change(ctx context.Context, t *target, at core.Position, ch *core.Change) error {
	for side, text := range [...]core.Doc{ch.Draft, ch.Published} {
		if text != nil || ch.Op == core.OpPurge {
			f.replaced(ctx, t, ch.Entry, side)
		}
		if text == nil || core.IsNull(text) {
			continue
		}
		if err := f.document(ctx, t, side, at, ch, text); err != nil {
			return err
		}
	}
	if ch.Comment != "" && f.in(ch.Comment) {
		f.mention(ctx, t, ch.Entry, mention{comment, place(at, ch, comment)})
	}
	if slices.ContainsFunc(ch.Meta.Slugs, f.inSlug) {
		f.mention(ctx, t, ch.Entry, mention{t.typ.SlugField, place(at, ch, slugs)})
	}
	return nil
}

func place(at core.Position, ch *core.Change, steps ...string) core.PastPlace {
	return core.PastPlace{Rev: ch.Meta.Rev, Position: at, Pointer: jsondoc.Pointer(steps...)}
}

// document looks through one document that a change brought.
func (f *finder) document(ctx context.Context, t *target, side int, at core.Position, ch *core.Change, text core.Doc) error {
	doc, err := jsondoc.ParseObject(text)
	if err != nil {
		return core.Wrap("privacy.document", err)
	}
	seen := f.look(t, doc, t.past)
	if own := f.unknown(ch.Entry, seen.own); len(own) > 0 {
		f.title(ctx, t.typ, f.found.add(t.typ, ch.Entry, own, inHistory))
	}
	for _, other := range seen.others {
		f.hold(ch.Entry, side, mention{other.path, place(at, ch, other.steps...)})
	}
	return nil
}

// hold keeps a mention until the log tells whether it stands still. There is no room for more entries than twice those of a
// report: the mentions that it lists, and as many that may turn out to be past.
func (f *finder) hold(id core.EntryID, side int, m mention) {
	s := f.standing[id]
	if s == nil {
		if len(f.standing) >= 2*mostFound {
			f.mentions.more = true
			return
		}
		s = &standing{}
		f.standing[id] = s
	}
	if len(s[side]) <= mostPlaces { // one more than are told, so that it is known that there are
		s[side] = append(s[side], m)
	}
}

// replaced tells the mentions of a document that another has replaced.
func (f *finder) replaced(ctx context.Context, t *target, id core.EntryID, side int) {
	s := f.standing[id]
	if s == nil {
		return
	}
	for _, m := range s[side] {
		f.mention(ctx, t, id, m)
	}
	if s[side] = nil; s[1-side] == nil {
		delete(f.standing, id)
	}
}

// mention tells one of the past.
func (f *finder) mention(ctx context.Context, t *target, id core.EntryID, m mention) {
	e := f.mentions.add(t.typ, id, []string{m.field}, inHistory)
	if e == nil {
		return
	}
	if len(e.Past) == 0 {
		f.title(ctx, t.typ, e)
	}
	if e.MorePast = len(e.Past) >= mostPlaces; !e.MorePast {
		e.Past = append(e.Past, m.PastPlace)
	}
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
